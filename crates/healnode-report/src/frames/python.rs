//! Python: `  File "app.py", line 3, in main`, innermost frame last, causes first; notebooks and crash dumps.
//!
//! A cause's traceback ends where it was caught, so the frames of what it led to are its callers and follow it. Of a group, the
//! first exception decides.

use std::borrow::Cow;

use super::text::{base_name, components, is_number, rooted, split_line};
use super::{Frame, Line};

/// Most tracebacks of one error that are put in order. Deeper chains are loops.
const SECTIONS_MAX: usize = 64;

/// Packages of the standard library, and those that are installed most, for where they lie beside the application's own.
const PACKAGES: &[&str] = &[
    "PIL",
    "_pytest",
    "aiohttp",
    "airflow",
    "alembic",
    "anyio",
    "asgiref",
    "asyncio",
    "asyncpg",
    "attr",
    "attrs",
    "aws_lambda_powertools",
    "azure",
    "bokeh",
    "boto3",
    "botocore",
    "bs4",
    "cachetools",
    "celery",
    "certifi",
    "cffi",
    "chardet",
    "charset_normalizer",
    "click",
    "concurrent",
    "confluent_kafka",
    "cryptography",
    "ctypes",
    "dask",
    "dateutil",
    "ddtrace",
    "django",
    "dns",
    "docker",
    "dotenv",
    "elasticsearch",
    "fastapi",
    "flask",
    "flask_sqlalchemy",
    "fsspec",
    "gevent",
    "google",
    "grpc",
    "gunicorn",
    "h11",
    "h2",
    "httpcore",
    "httpx",
    "hypercorn",
    "idna",
    "importlib",
    "jinja2",
    "jmespath",
    "jose",
    "jsonschema",
    "jwt",
    "kafka",
    "keras",
    "kombu",
    "langchain",
    "lxml",
    "mako",
    "marshmallow",
    "matplotlib",
    "multiprocessing",
    "mysql",
    "networkx",
    "numpy",
    "oauthlib",
    "openai",
    "openpyxl",
    "opentelemetry",
    "orjson",
    "pandas",
    "paramiko",
    "peewee",
    "pip",
    "pkg_resources",
    "pluggy",
    "prometheus_client",
    "psycopg",
    "psycopg2",
    "pyarrow",
    "pydantic",
    "pydantic_core",
    "pydantic_settings",
    "pymongo",
    "pymysql",
    "pyspark",
    "pytest",
    "pytz",
    "redis",
    "requests",
    "rest_framework",
    "rich",
    "s3transfer",
    "scipy",
    "scrapy",
    "selenium",
    "sentry_sdk",
    "setuptools",
    "shapely",
    "simplejson",
    "sklearn",
    "slack_sdk",
    "sqlalchemy",
    "sqlmodel",
    "starlette",
    "streamlit",
    "stripe",
    "tenacity",
    "tensorflow",
    "tkinter",
    "torch",
    "tornado",
    "tqdm",
    "transformers",
    "twilio",
    "twisted",
    "typer",
    "unittest",
    "urllib",
    "urllib3",
    "uvicorn",
    "uvloop",
    "watchfiles",
    "websocket",
    "websockets",
    "werkzeug",
    "whitenoise",
    "wrapt",
    "wtforms",
    "xml",
    "yaml",
    "zeep",
    "zmq",
    "zope",
];

/// Whether a line is a frame.
pub(super) fn is_frame(text: &str) -> bool {
    split(text).is_some()
}

/// Reads all tracebacks, the innermost cause first.
pub(super) fn read<'a>(lines: &[Line<'a>]) -> Vec<Frame<'a>> {
    let mut sections = Sections { all: vec![Vec::new()], current: 0 };
    let mut is_newest_first = false;
    let mut is_later_member = false;
    for line in lines {
        if let Some(member) = group_rule(line.text) {
            is_later_member = member != Some("1");
            if !is_later_member {
                sections.insert(sections.current);
            }
        } else if is_later_member {
            continue;
        } else if is_chain(line.text) || line.text.starts_with("Traceback (most") {
            sections.insert(sections.current + 1);
        } else if line.text.ends_with("(most recent call first):") {
            if is_newest_first && !sections.is_empty() && !line.text.starts_with("Current ") {
                break;
            }
            is_newest_first = true;
            sections = Sections { all: vec![Vec::new()], current: 0 };
        } else {
            sections.all[sections.current].extend(frame(line.text));
        }
    }
    let in_order = |mut section: Vec<Frame<'a>>| {
        if !is_newest_first {
            section.reverse();
        }
        section
    };
    let mut frames: Vec<Frame> = sections.all.into_iter().flat_map(in_order).collect();
    if !frames.iter().any(|frame| frame.in_app) {
        adopt_started(&mut frames);
    }
    frames
}

/// Takes an installed package for the application when its own script started the program, and it is no known one.
fn adopt_started(frames: &mut [Frame]) {
    let start = frames.iter().rposition(|frame| is_launcher(frame.path, &frame.function)).unwrap_or(0);
    let Some(package) = frames[..start].last().and_then(|frame| package(frame.path)).filter(|package| !is_known(package)) else {
        return;
    };
    frames.iter_mut().filter(|frame| self::package(frame.path) == Some(package)).for_each(|frame| frame.in_app = true);
}

/// The installed package that a path is of.
fn package(path: &str) -> Option<&str> {
    let mut components = components(path);
    components.find(|component| matches!(*component, "site-packages" | "dist-packages"))?;
    components.next()
}

/// Tracebacks, the innermost cause first, and the one that is being read.
struct Sections<'a> {
    all: Vec<Vec<Frame<'a>>>,
    current: usize,
}

impl Sections<'_> {
    fn insert(&mut self, at: usize) {
        if self.all.len() < SECTIONS_MAX && !self.is_empty() {
            self.all.insert(at, Vec::new());
            self.current = at;
        }
    }

    fn is_empty(&self) -> bool {
        self.all[self.current].is_empty()
    }
}

/// The sentences between a cause and the exception that it led to.
pub(super) fn is_chain(text: &str) -> bool {
    text.starts_with("The above exception was the direct cause of the following")
        || text.starts_with("During handling of the above exception, another")
}

/// The line above a member of an exception group, with the member's number, or the line below the last one, without.
pub(super) fn group_rule(text: &str) -> Option<Option<&str>> {
    let rule = text.strip_prefix('+')?.trim_start_matches(['-', '+']);
    if !text.starts_with("+-") {
        return None;
    }
    Some(rule.split_whitespace().next().filter(|number| is_number(number)))
}

fn frame(text: &str) -> Option<Frame<'_>> {
    let (path, function) = split(text)?;
    let function = name(function);
    if matches!(function, "<listcomp>" | "<dictcomp>" | "<setcomp>" | "<genexpr>") {
        return None;
    }
    let in_app = !is_library(path, function);
    let file = if is_cell(path) { Cow::Borrowed("cell") } else { base_name(path) };
    Some(Frame { path, file, function: Cow::Borrowed(function), in_app })
}

/// The path and the function of a frame, both as printed.
fn split(text: &str) -> Option<(&str, &str)> {
    let text = text.strip_prefix("> ").unwrap_or(text);
    if let Some(rest) = text.strip_prefix("File \"") {
        let (path, rest) = rest.split_once('"')?;
        return Some((path, behind_line(rest.strip_prefix(", line ")?)));
    }
    if let Some(rest) = text.strip_prefix("File ") {
        let (place, function) = rest.split_once(", in ")?;
        return Some((split_line(place)?, function));
    }
    if text.starts_with("Cell In[") || text.starts_with("Cell In [") || text.starts_with("Input In [") {
        let (cell, rest) = text.split_once(',')?;
        let is_named = rest.contains(" in ") || rest.starts_with(" line ");
        return is_named.then(|| (cell, rest.split_once(" in ").map_or("<module>", |(_, function)| function)));
    }
    split_old_cell(text).or_else(|| split_short(text))
}

/// Whether a line is a frame as test runners and console formatters print it.
pub(super) fn is_short_frame(text: &str) -> bool {
    split_short(text).is_some()
}

/// `tests/test_cart.py:12: in test_add` and `/srv/cart.py:12 in add`.
fn split_short(text: &str) -> Option<(&str, &str)> {
    let (place, function) = text.split_once(" in ")?;
    let path = split_line(place.trim_end_matches(':')).filter(|path| path.ends_with(".py"))?;
    let function = function.trim_end_matches(['│', ' ']);
    (!function.contains(' ')).then_some((rooted(path), function))
}

/// Whether a line is a frame of a notebook of the older kind: a path, `in`, and a call.
pub(super) fn is_old_cell(text: &str) -> bool {
    split_old_cell(text).is_some()
}

fn split_old_cell(text: &str) -> Option<(&str, &str)> {
    let (path, function) = text.split_once(" in ")?;
    let is_path = path.starts_with("<ipython-input-") || path.ends_with(".py") && path.starts_with(['/', '~', '.']);
    (is_path && !path.contains(' ') && (function.ends_with(')') || function == "<module>")).then_some((path, function))
}

/// The function behind the number of a line, which follows a comma in tracebacks and none in crash dumps.
fn behind_line(rest: &str) -> &str {
    let rest = rest.trim_start_matches(|character: char| character.is_ascii_digit());
    rest.strip_prefix(", in ").or_else(|| rest.strip_prefix(" in ")).unwrap_or_default()
}

/// A function's name without a notebook's arguments, its class, and the functions around it.
fn name(function: &str) -> &str {
    if function.starts_with('<') {
        return if function.starts_with("<cell line") { "<module>" } else { function.trim_end_matches("()") };
    }
    let function = function.split('(').next().unwrap_or(function);
    function.rsplit('.').next().unwrap_or(function)
}

fn is_cell(path: &str) -> bool {
    path.starts_with("<ipython") || path.starts_with("Cell In") || path.starts_with("Input In") || path.contains("ipykernel_")
}

/// Whether a path is of an installed package, of the standard library, of generated code, or of what starts a program.
///
/// A source of Cython is printed with its path in the package that it was built for.
fn is_library(path: &str, function: &str) -> bool {
    if path.starts_with('<') {
        let is_typed_in = matches!(path, "<stdin>" | "<console>") || path == "<string>" && function == "<module>";
        return !is_typed_in && !is_cell(path);
    }
    if ["/opt/python/", "/var/runtime/", "/var/lang/", "/databricks/"].iter().any(|root| path.starts_with(root)) || is_beside(path) {
        return true;
    }
    let mut before = "";
    for component in components(path) {
        let version = || component.strip_prefix("python").or_else(|| component.strip_prefix("pypy"));
        let is_versioned = || version().is_some_and(|rest| rest.starts_with(|c: char| c.is_ascii_digit()));
        match component {
            "site-packages" | "dist-packages" | "lib-python" | "lib_pypy" | "Lib" | ".vscode" | ".vscode-server" | "pydev" => return true,
            _ if matches!(before, "lib" | "lib64" | "Lib") && is_versioned() => return true,
            "lib" if is_installation(before) => return true,
            _ if is_archive(before) && is_known(component) => return true,
            _ if component.ends_with(".egg") || component.ends_with(".whl") => return true,
            _ => before = component,
        }
    }
    let is_compiled_package = path.ends_with(".pyx") && !path.starts_with('/');
    is_compiled_package || is_launcher(path, function)
}

/// Whether a directory on Windows is one that Python is installed in.
fn is_installation(directory: &str) -> bool {
    let begins = |name: &&str| directory.get(..name.len()).is_some_and(|start| start.eq_ignore_ascii_case(name));
    ["python3", "anaconda3", "miniconda3", "miniforge3"].iter().any(begins)
}

/// Whether a known package lies beside the application: in what is shipped to a serverless runtime, or in a frozen program, which prints
/// paths without a root.
fn is_beside(path: &str) -> bool {
    let inside = path.strip_prefix("/var/task/").unwrap_or(path);
    let (package, file) = inside.split_at(inside.find(['/', '\\']).unwrap_or(inside.len()));
    !package.is_empty() && !file.is_empty() && is_known(package)
}

fn is_known(package: &str) -> bool {
    PACKAGES.binary_search(&package).is_ok()
}

fn is_archive(component: &str) -> bool {
    [".zip", ".pyz", ".pex"].iter().any(|ending| component.ends_with(ending))
}

/// Whether a file is the script that a package installs to start itself.
fn is_launcher(path: &str, function: &str) -> bool {
    let mut components = path.rsplit(['/', '\\']);
    let file = components.next().unwrap_or_default();
    let directory = components.next().unwrap_or_default();
    function == "<module>" && matches!(directory, "bin" | "Scripts") && !file.ends_with(".py")
}

#[cfg(test)]
mod tests {
    use super::super::{in_app_frames, language};
    use super::*;

    #[test]
    fn the_innermost_frame_of_the_application_comes_first() {
        let stack = "Traceback (most recent call last):\n  File \"/srv/app/main.py\", line 10, in main\n    run()\n    ^^^^^\n  \
                     File \"/srv/app/jobs.py\", line 7, in run\n    get()\n  \
                     File \"/usr/lib/python3.11/site-packages/requests/api.py\", line 9, in get\nValueError: bad";
        assert_eq!(in_app_frames(stack), ["jobs.py:run", "main.py:main"]);
        assert_eq!(language(stack), "python");
    }

    #[test]
    fn the_cause_comes_first_and_what_it_led_to_are_its_callers() {
        let stack = "Traceback (most recent call last):\n  File \"a.py\", line 1, in inner\nKeyError: 1\n\n\
                     During handling of the above exception, another exception occurred:\n\n\
                     Traceback (most recent call last):\n  File \"b.py\", line 3, in main\n  File \"b.py\", line 2, in outer\nValueError: x";
        assert_eq!(in_app_frames(stack), ["a.py:inner", "b.py:outer", "b.py:main", "caused by KeyError: <*>"]);
    }

    #[test]
    fn a_package_is_known_where_it_lies_beside_the_application() {
        for path in [
            "/var/task/requests/api.py",
            "/opt/python/anything/api.py",
            "requests\\api.py",
            "asyncio/runners.py",
            "/srv/app.pyz/click/core.py",
            r"c:\users\eva\appdata\local\programs\python\python311\lib\json\decoder.py",
        ] {
            assert!(is_library(path, "get"), "{path}");
        }
        for path in ["/var/task/orders/api.py", "/srv/app/requests/api.py", "requests.py", "src/requests/api.py"] {
            assert!(!is_library(path, "get"), "{path}");
        }
        assert!(PACKAGES.is_sorted());
    }

    #[test]
    fn of_a_group_the_first_exception_decides() {
        let stack = "  + Exception Group Traceback (most recent call last):\n  |   File \"main.py\", line 3, in main\n  \
                     | ExceptionGroup: many (2 sub-exceptions)\n  +-+---------------- 1 ----------------\n    \
                     | Traceback (most recent call last):\n    |   File \"one.py\", line 1, in one\n    | ValueError: 1\n    \
                     +---------------- 2 ----------------\n    | Traceback (most recent call last):\n    \
                     |   File \"two.py\", line 1, in two\n    | ValueError: 2\n    +------------------------------------";
        assert_eq!(in_app_frames(stack), ["one.py:one", "main.py:main", "caused by ValueError: <*>"]);
    }
}
