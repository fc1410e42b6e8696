// Checks recorded requests against GitHub's own OpenAPI description.
//
// Usage: node check.mjs REQUESTS.jsonl
//
// Prints one line for each fault and ends with 1 if there is any, or if there was nothing to check. Stricter than the description where it
// is silent: unknown fields and parameters, headers, lengths and page sizes count too. Only the operations that were used are compiled.

import { readFileSync } from "node:fs";
import Ajv from "ajv";

const specUrl = import.meta.resolve("@octokit/openapi/package.json").replace(/package\.json$/, "generated/api.github.com.json");
const spec = JSON.parse(readFileSync(new URL(specUrl), "utf8"));
const ajv = new Ajv({ strict: false, allErrors: true, coerceTypes: false, validateFormats: false });
// Other ways to write a path parameter would end at the next slash.
const greedy = new Set(["ref", "path", "branch"]);
// Lengths that the description leaves out.
const lengths = { title: 256, body: 65536, name: 50, description: 100 };
const patterns = Object.keys(spec.paths).map((path) => ({ path, pattern: patternOf(path), parameters: path.split("{").length }));
patterns.sort((one, other) => one.parameters - other.parameters);
const validators = new Map();

const requests = readFileSync(process.argv[2], "utf8").split("\n").filter((line) => line !== "").map((line) => JSON.parse(line));
const faults = requests.flatMap((request) => check(request).map((fault) => `${request.method} ${request.path}: ${fault}`));
if (requests.length === 0) faults.push("there was nothing to check");
for (const fault of faults) console.log(fault);
if (faults.length === 0) console.log(`${requests.length} requests are as GitHub describes them`);
process.exit(faults.length === 0 ? 0 : 1);

function check(request) {
  const found = patterns.find(({ path, pattern }) => pattern.test(request.path) && spec.paths[path][request.method.toLowerCase()]);
  if (!found) return ["no such operation"];
  const operation = spec.paths[found.path][request.method.toLowerCase()];
  return [...checkHeaders(request), ...checkQuery(request, operation), ...checkBody(request, operation, found.path)];
}

function checkHeaders(request) {
  const values = (name) => request.headers.filter(([key]) => key === name).map(([, value]) => value);
  const faults = [];
  const expect = (name, pattern) => {
    const found = values(name);
    if (found.length !== 1 || !pattern.test(found[0])) faults.push(`header ${name} is not there once as it should be`);
  };
  expect("user-agent", /./);
  expect("accept", /^application\/vnd\.github\+json$/);
  expect("authorization", /^Bearer \S+$/);
  expect("x-healnode-id", /^\S+$/);
  if (request.body !== null) expect("content-type", /^application\/json$/);
  return faults;
}

function checkQuery(request, operation) {
  const allowed = (operation.parameters ?? []).map(resolve).filter((parameter) => parameter.in === "query");
  const faults = request.query.flatMap(([name, text]) => {
    const parameter = allowed.find((candidate) => candidate.name === name);
    if (!parameter) return [`no parameter ${name}`];
    const value = parameter.schema.type === "integer" ? Number(text) : text;
    return faultsOf(`parameter ${name}`, compile(`${operation.operationId}?${name}`, parameter.schema), value);
  });
  const pageSize = request.query.find(([name]) => name === "per_page");
  if (pageSize && !(pageSize[1] >= 1 && pageSize[1] <= 100)) faults.push("per_page is not between 1 and 100");
  return faults;
}

function checkBody(request, operation, path) {
  const content = operation.requestBody?.content?.["application/json"];
  if (request.body === null) return operation.requestBody?.required ? ["the body is missing"] : [];
  if (!content) return ["a body where none is described"];
  let body;
  try {
    body = JSON.parse(request.body);
  } catch {
    return ["the body is no JSON"];
  }
  const faults = faultsOf("body", compile(`${request.method} ${path}`, strict(content.schema)), body);
  for (const [field, max] of Object.entries(lengths)) {
    if (typeof body[field] === "string" && [...body[field]].length > max) faults.push(`${field} has more than ${max} characters`);
  }
  for (const label of body.labels ?? []) {
    if (label.length > lengths.name || label.includes(",")) faults.push(`label ${label} is too long or has a comma`);
  }
  return faults;
}

// Allows no field that is not described, in each of the forms that a body may have.
function strict(schema) {
  if (!schema.oneOf) return { ...schema, additionalProperties: false };
  return { ...schema, oneOf: schema.oneOf.map(strict) };
}

function faultsOf(what, validate, value) {
  return validate(value) ? [] : validate.errors.map((error) => `${what}${error.instancePath} ${error.message}`);
}

function compile(key, schema) {
  if (!validators.has(key)) validators.set(key, ajv.compile(plain(schema)));
  return validators.get(key);
}

// Turns OpenAPI 3.0 into JSON Schema: references are put in place, and `nullable` becomes a choice, with or without a type beside it.
function plain(schema) {
  if (Array.isArray(schema)) return schema.map(plain);
  if (schema === null || typeof schema !== "object") return schema;
  const { nullable, example, ...rest } = resolve(schema);
  const converted = Object.fromEntries(Object.entries(rest).map(([key, value]) => [key, key === "enum" ? value : plain(value)]));
  return nullable === true ? { anyOf: [{ type: "null" }, converted] } : converted;
}

function resolve(part) {
  if (part.$ref === undefined) return part;
  return part.$ref.split("/").slice(1).reduce((at, step) => at[step], spec);
}

function patternOf(path) {
  const source = path.split(/(\{[^}]+\})/).map((piece) => {
    if (!piece.startsWith("{")) return piece.replace(/[.*+?^$()|[\]\\]/g, "\\$&");
    return greedy.has(piece.slice(1, -1)) ? ".+" : "[^/]+";
  });
  return new RegExp(`^${source.join("")}$`);
}
