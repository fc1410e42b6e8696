// A GitHub for one test: the emulator, and in front of it a proxy that writes down every request.
//
// Usage: node emulator.mjs REQUESTS.jsonl
//
// Takes free ports, prints one line of JSON that says how to reach it, and ends when its standard input does, so that a test that was
// killed leaves nothing running. Tokens and the app's key are made anew each time.

import { createServer, request } from "node:http";
import { appendFileSync } from "node:fs";
import { generateKeyPairSync, randomBytes } from "node:crypto";
import { createEmulator } from "emulate";

const recordPath = process.argv[2];
const repo = { owner: "acme", name: "app" };
const app = { id: 4801, installation: 100, slug: "healnode" };
const { privateKey } = generateKeyPairSync("rsa", {
  modulusLength: 2048,
  privateKeyEncoding: { type: "pkcs1", format: "pem" },
  publicKeyEncoding: { type: "spki", format: "pem" },
});
const token = () => `ghp_${randomBytes(18).toString("hex")}`;
const bot = { login: "healer", token: token() };
const person = { login: "alice", token: token() };

const emulator = await createEmulator({ service: "github", port: 0, seed: seed() });
const target = new URL(emulator.url);
const proxy = createServer(forward);
proxy.listen(0, "127.0.0.1", () => {
  const url = `http://127.0.0.1:${proxy.address().port}`;
  console.log(JSON.stringify({ url, repo: `${repo.owner}/${repo.name}`, bot, person, app: { ...app, key: privateKey } }));
});
process.stdin.resume();
process.stdin.on("close", () => process.exit(0));

function seed() {
  const scopes = ["repo"];
  return {
    tokens: { [bot.token]: { login: bot.login, scopes }, [person.token]: { login: person.login, scopes } },
    github: {
      users: [{ login: bot.login }, { login: person.login }],
      orgs: [{ login: repo.owner, members: [{ login: bot.login, role: "admin" }, { login: person.login, role: "member" }] }],
      repos: [{ ...repo, auto_init: true }],
      apps: [
        {
          app_id: app.id,
          slug: app.slug,
          name: app.slug,
          private_key: privateKey,
          permissions: { issues: "write", metadata: "read" },
          events: [],
          installations: [{ installation_id: app.installation, account: repo.owner, repository_selection: "all" }],
        },
      ],
    },
  };
}

async function forward(incoming, outgoing) {
  const body = Buffer.concat(await incoming.toArray());
  record(incoming, body);
  const onward = request(
    { host: "127.0.0.1", port: target.port, method: incoming.method, path: incoming.url, headers: incoming.rawHeaders },
    async (answer) => {
      const { "transfer-encoding": _, connection: __, ...headers } = answer.headers;
      outgoing.writeHead(answer.statusCode, { ...headers, ...scopes(incoming) });
      outgoing.end(Buffer.concat(await answer.toArray()));
    },
  );
  onward.on("error", () => outgoing.destroy());
  onward.end(body);
}

// GitHub tells the owner of a classic token what it is good for; the emulator does not.
function scopes(incoming) {
  const isClassic = (incoming.headers.authorization ?? "").includes("ghp_");
  return isClassic ? { "x-oauth-scopes": "repo" } : {};
}

function record(incoming, body) {
  if (incoming.headers["x-from-test"] !== undefined) return;
  const url = new URL(incoming.url, "http://github.test");
  const headers = [];
  for (let at = 0; at < incoming.rawHeaders.length; at += 2) {
    headers.push([incoming.rawHeaders[at].toLowerCase(), incoming.rawHeaders[at + 1]]);
  }
  const text = body.toString("utf8");
  const line = { method: incoming.method, path: url.pathname, query: [...url.searchParams], headers, body: text === "" ? null : text };
  appendFileSync(recordPath, `${JSON.stringify(line)}\n`);
}
