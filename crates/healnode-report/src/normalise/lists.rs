//! The words that decide: names that keep their digits, words that count, words that announce data.
//!
//! Every list is sorted, in lower case, and part of the algorithm's version: a row more or less moves fingerprints. What a list
//! is for stands where it is asked. Words are compared as numbers of 128 bits, which is several times as fast as text.

/// Longest word that is looked up, in bytes: what fits into 128 bits. No row is longer.
const WORD_BYTES_MAX: usize = 16;

/// Words, each as a number, in order.
type List = &'static [u128];

/// A word to look up in more than one list.
#[derive(Clone, Copy)]
pub(crate) struct Key(u128);

impl Key {
    pub(crate) fn of(word: &[u8]) -> Key {
        Key(if word.len() <= WORD_BYTES_MAX { key(word) } else { 0 })
    }

    /// Whether a list has the word, in any case.
    pub(crate) fn is_in(self, list: List) -> bool {
        list.binary_search(&self.0).is_ok()
    }
}

/// Whether a list has a word, in any case.
pub(crate) fn among(list: List, word: &[u8]) -> bool {
    Key::of(word).is_in(list)
}

/// A word as a number: its bytes in lower case, the first on top.
const fn key(word: &[u8]) -> u128 {
    let mut key = 0;
    let mut at = 0;
    while at < word.len() {
        key = key << 8 | word[at].to_ascii_lowercase() as u128;
        at += 1;
    }
    if word.is_empty() { 0 } else { key << (8 * (WORD_BYTES_MAX - word.len())) }
}

const fn keys<const N: usize>(words: [&str; N]) -> [u128; N] {
    let mut keys = [0; N];
    let mut at = 0;
    while at < N {
        keys[at] = key(words[at].as_bytes());
        at += 1;
    }
    keys
}

/// Words that count things: what follows them is a number of no meaning.
#[rustfmt::skip]
pub(crate) static COUNTERS: List = &keys([
    "actor", "agent", "attempt", "backend", "batch", "block", "broadcast", "broker", "bucket", "build", "cache", "chunk", "client",
    "cluster", "column", "conn", "connection", "consumer", "container", "core", "cpu", "customer", "db", "device", "disk",
    "dispatcher", "epoch", "exec", "executor", "fd", "fiber", "frame", "frontend", "goroutine", "gpu", "group", "guest", "handler",
    "host", "id", "index", "instance", "item", "iteration", "job", "line", "loop", "machine", "master", "member", "message", "msg",
    "node", "object", "offset", "order", "page", "part", "partition", "peer", "pid", "piece", "pod", "pool", "port", "primary",
    "proc", "process", "queue", "rank", "record", "region", "replica", "req", "request", "retry", "row", "run", "runner", "segment",
    "seq", "server", "session", "shard", "slave", "slot", "stage", "standby", "step", "stream", "subdir", "task", "temp", "tenant",
    "thread", "tid", "tmp", "try", "tx", "txn", "uid", "user", "vm", "volume", "web", "worker", "wrk", "zone",
]);

/// Names in which digits stand behind a hyphen, a dot or an underscore: encodings, digests, protocols, standards.
#[rustfmt::skip]
pub(crate) static NAMES: List = &keys([
    "8859", "aarch", "adler", "aes", "amd", "arm", "armv", "avx", "base", "bf", "bfloat", "big5", "blake", "blake2", "blake3",
    "camellia", "chacha20", "complex", "cp", "crc", "curve", "cve", "dct", "des", "e", "ecdsa", "ecma", "ed", "es", "float", "g",
    "gb", "gcm", "gpt", "h", "hs", "ibm", "idea", "int", "ipv", "koi8", "koi8_r", "kyber", "lib", "lz", "mips", "mp", "mpeg",
    "nfsv", "p", "ppc", "ps", "python", "rc", "rc2", "rc4", "rc5", "ripemd", "riscv", "rs", "s", "salsa20", "secp", "sha2", "sha3",
    "siphash", "sm", "sm2", "sm3", "sm4", "smbv", "snmpv", "sntpv", "so", "sparc", "sse", "sslv", "sysv", "tiger", "tlsv", "type",
    "ucs", "uint", "uuidv", "v", "vp", "wasm", "win", "x", "x86", "xchacha20", "xxh", "zip",
]);

/// Names of the same kind in which digits may also stand behind a space or a slash.
#[rustfmt::skip]
pub(crate) static SPACED_NAMES: List = &keys([
    "ascii", "base", "http", "http2", "https", "ieee", "ip", "ipv", "iso", "koi", "latin", "md", "oauth", "pbkdf", "pkcs", "rfc",
    "rsa", "sha", "socks", "ssl", "tls", "usb", "utf", "windows", "wpa",
]);

/// Families of error codes that put a hyphen before the number.
#[rustfmt::skip]
pub(crate) static CODE_FAMILIES: List = &keys([
    "arq", "asm", "cls", "cpf", "crs", "cve", "dbd", "dia", "dpi", "dpy", "drg", "err", "exp", "hhh", "hv", "imp", "jbas", "kup",
    "lcd", "lpx", "lrm", "msb", "nid", "ns", "nu", "nzt", "oci", "ora", "pls", "prot", "qsm", "rman", "sp2", "sql", "sqlcode",
    "tns", "ucp", "va", "wfly",
]);

/// Products, protocols and languages whose version is part of what went wrong.
#[rustfmt::skip]
pub(crate) static PRODUCTS: List = &keys([
    "activemq", "activerecord", "airflow", "alpine", "amqp", "android", "angular", "ansible", "apache", "api", "aspnet", "babel",
    "bash", "bazel", "bluetooth", "boost", "bun", "bundler", "c", "cargo", "cassandra", "celery", "chrome", "chromium", "clang",
    "clickhouse", "clojure", "cmake", "composer", "conda", "cuda", "cudnn", "cxxabi", "dart", "db2", "debian", "deno", "directx",
    "django", "docker", "dotnet", "drupal", "dtls", "ecmascript", "edge", "efcore", "elasticsearch", "electron", "elixir", "erlang",
    "esbuild", "eslint", "etcd", "expo", "fastapi", "fedora", "ffmpeg", "firefox", "flask", "flutter", "framework", "gcc", "ghc",
    "git", "glibc", "glibcxx", "go", "golang", "gradle", "graphql", "grpc", "guava", "gunicorn", "hadoop", "haskell", "hbase",
    "helm", "hibernate", "hive", "html", "http", "https", "icu", "imap", "influxdb", "ios", "istio", "jackson", "jakarta", "java",
    "javac", "javascript", "jax", "jdk", "jenkins", "jest", "jetty", "jquery", "jre", "jruby", "json", "jsonrpc", "julia", "junit",
    "jvm", "k8s", "kafka", "keras", "kerberos", "kernel", "kibana", "kotlin", "kubernetes", "laravel", "ldap", "libc", "libpq",
    "libssl", "libstdc", "linux", "llvm", "log4j", "lua", "luajit", "macos", "magento", "mariadb", "maven", "memcached", "metal",
    "mongo", "mongodb", "mono", "mqtt", "msbuild", "mssql", "musl", "mysql", "nats", "neo4j", "net", "netstandard", "netty", "next",
    "nfs", "nginx", "nim", "node", "nodejs", "npm", "ntlm", "nuget", "numba", "numpy", "nvcc", "nvidia", "oauth", "ocaml", "odbc",
    "oidc", "onnx", "opcua", "opencl", "opengl", "openid", "openjdk", "openssh", "openssl", "opset", "oracle", "otp", "pandas",
    "pcie", "perl", "phoenix", "php", "phpunit", "pip", "pnpm", "poetry", "postgis", "postgres", "postgresql", "powershell",
    "prisma", "protobuf", "protocol", "psql", "pulsar", "puma", "pydantic", "pytest", "python", "pytorch", "quic", "rabbitmq",
    "rails", "rake", "react", "redis", "rocm", "rtmp", "rtsp", "ruby", "rubygems", "rust", "rustc", "rustup", "safari", "saml",
    "sass", "scala", "scikit", "scipy", "sdk", "selenium", "setuptools", "sidekiq", "smb", "snmp", "soap", "solr", "spark",
    "sphinx", "spring", "sqlalchemy", "sqlite", "sqlserver", "ssh", "ssl", "starlette", "stomp", "svelte", "swift", "symfony",
    "tensorflow", "tensorrt", "terraform", "tls", "tlsv", "tomcat", "torch", "torchvision", "transformers", "typescript", "ubuntu",
    "unity", "unreal", "urllib3", "uvicorn", "vault", "vite", "vue", "vulkan", "wasm", "webgl", "webkit", "webpack", "websocket",
    "wildfly", "windows", "wordpress", "xcode", "xml", "yaml", "yarn", "zig", "zookeeper",
]);

/// Words of letters and digits in turns that are names all the same.
#[rustfmt::skip]
pub(crate) static TURNING: List = &keys([
    "e4m3", "e4m3fn", "e5m2", "ed25519", "f32x4", "h264avc", "h2c", "i32x4", "i8x16", "l2tpv3", "m4a3", "p256k1", "prime256v1",
    "s3v4", "secp256k1", "secp256r1", "secp384r1", "secp521r1", "u8x16", "utf8mb3", "utf8mb4", "x25519",
]);

/// Words next to which a number is a code.
#[rustfmt::skip]
pub(crate) static CODE_WORDS: List = &keys([
    "code", "curl", "ec", "err", "errno", "error", "exit", "exitcode", "exited", "hresult", "http", "nstatus", "ntstatus", "rc", "retcode",
    "returncode", "sig", "signal", "smtp", "sqlcode", "sqlstate", "status", "vendorcode", "winerror",
]);

/// Words that end like a code word and are something else.
#[rustfmt::skip]
pub(crate) static OTHER_CODES: List = &keys([
    "barcode", "bytecode", "codec", "country_code", "decode", "encode", "invite_code", "keycode", "language_code", "line_code",
    "opcode", "postal_code", "postcode", "promo_code", "qrcode", "scancode", "source_code", "transcode", "unicode", "zip_code",
    "zipcode",
]);

/// Words behind which a number is a result, when an equals sign joins the two.
#[rustfmt::skip]
pub(crate) static RESULT_WORDS: List = &keys([
    "result", "ret", "return", "returned", "retval", "rv",
]);

/// Words behind which 4xx or 5xx is the status of an answer.
#[rustfmt::skip]
pub(crate) static ANSWER_WORDS: List = &keys([
    "answered", "denied", "failed", "limited", "rejected", "replied", "responded", "response", "returned", "returns",
]);

/// Code words that are names of programs too, behind which a number in brackets is the process.
#[rustfmt::skip]
pub(crate) static PROCESSES: List = &keys([
    "curl", "http", "smtp",
]);

/// What is part of every program, so that its version is the program's own.
#[rustfmt::skip]
pub(crate) static OWN_PARTS: List = &keys([
    "agent", "app", "bad", "build", "client", "config", "core", "current", "file", "invalid", "new", "old", "own", "plugin",
    "release", "row", "schema", "server", "service", "unknown", "unsupported", "wrong",
]);

/// Keys whose value is an id, beside those that end with `id` as a word of its own.
#[rustfmt::skip]
pub(crate) static ID_KEYS: List = &keys([
    "cursor", "etag", "guid", "jid", "nonce", "pk", "rid", "sid", "tid", "ulid", "uuid", "xid",
]);

/// What `invalid …`, `unknown …` and the like announce as someone's data.
#[rustfmt::skip]
pub(crate) static DATA_NOUNS: List = &keys([
    "address", "amount", "boolean", "cidr", "color", "colour", "coordinate", "coupon", "currency", "date", "datetime", "decimal",
    "duration", "email", "entry", "float", "guid", "hostname", "id", "integer", "ip", "json", "literal", "locale", "long", "number",
    "phone", "port", "postcode", "price", "quantity", "sku", "timestamp", "timezone", "uri", "url", "user", "username", "uuid",
    "value", "voucher", "zip",
]);

/// What stands before such a noun.
#[rustfmt::skip]
pub(crate) static DATA_ADJECTIVES: List = &keys([
    "bad", "duplicate", "illegal", "incorrect", "invalid", "malformed", "unexpected", "unknown", "unparsable", "unparseable",
    "unrecognised", "unrecognized", "unsupported", "wrong",
]);

/// Last words of phrases that announce data.
#[rustfmt::skip]
pub(crate) static PHRASE_ENDS: List = &keys([
    "10", "data", "email", "entry", "float", "int", "literal", "parse", "parsing", "string", "syntax", "user", "value", "variant",
]);

/// Types of a value that could not be read, behind `type`.
#[rustfmt::skip]
pub(crate) static DATA_TYPES: List = &keys([
    "bigint", "bool", "boolean", "box", "bytea", "cidr", "date", "double", "float", "inet", "int", "integer", "interval", "json",
    "jsonb", "macaddr", "money", "numeric", "point", "real", "smallint", "time", "timestamp", "timestamptz", "uuid",
]);

/// Words behind which a quoted text is a name of a person or an account.
#[rustfmt::skip]
pub(crate) static OWNER_WORDS: List = &keys([
    "account", "customer", "login", "user", "username",
]);

/// Keys whose value is the name of an account.
#[rustfmt::skip]
pub(crate) static USER_KEYS: List = &keys([
    "login", "logname", "ruser", "user", "username",
]);

/// Keys whose value is the host at the other end.
#[rustfmt::skip]
pub(crate) static REMOTE_KEYS: List = &keys([
    "client", "peer", "remote", "remote_addr", "remote_host", "rhost",
]);

/// What stands behind `user` and is not the name of one.
#[rustfmt::skip]
pub(crate) static NOT_USERS: List = &keys([
    "a", "account", "accounts", "action", "actions", "agent", "agents", "and", "are", "as", "at", "attribute", "attributes", "by",
    "can", "cannot", "could", "creation", "data", "database", "defined", "did", "does", "error", "event", "events", "failed", "for",
    "found", "from", "group", "groups", "had", "has", "id", "ids", "in", "info", "input", "interface", "is", "key", "mode", "name",
    "names", "namespace", "not", "of", "on", "or", "permission", "permissions", "preferences", "process", "profile", "profiles",
    "record", "records", "request", "requests", "role", "roles", "service", "session", "sessions", "settings", "space", "state",
    "store", "table", "that", "the", "to", "token", "tokens", "was", "who", "with", "without",
]);

/// Words that, before `name:`, announce the name of a person.
#[rustfmt::skip]
pub(crate) static PERSONS: List = &keys([
    "attendee", "author", "callee", "caller", "contact", "customer", "display", "employee", "first", "full", "guest", "holder", "last", "patient", "person",
    "recipient", "sender", "student", "user",
]);

/// What a program may define twice, so that a quoted text behind it is its name.
#[rustfmt::skip]
pub(crate) static PROGRAM_NOUNS: List = &keys([
    "alias", "annotation", "bean", "case", "class", "command", "component", "const", "constraint", "declaration", "definition",
    "directive", "element", "enum", "export", "extension", "file", "flag", "header", "import", "index", "interface", "label",
    "macro", "migration", "namespace", "object", "operation", "package", "plugin", "prop", "provider", "resource", "route", "rule",
    "schema", "section", "service", "step", "struct", "table", "tag", "target", "test", "trait", "trigger", "type", "view",
]);

/// Words behind which a quoted text is a name in a program.
#[rustfmt::skip]
pub(crate) static IDENTIFIER_NOUNS: List = &keys([
    "argument", "attr", "attribute", "attributeerror", "column", "constant", "field", "function", "identifier", "key", "keyerror", "keyword", "member", "method", "module", "name", "named", "nameerror", "option", "parameter", "placeholder", "property", "symbol", "undefined", "variable",
]);

/// Units that stand directly behind a number, in lower case.
#[rustfmt::skip]
pub(crate) static ATTACHED_UNITS: List = &keys([
    "bit", "bits", "bps", "byte", "bytes", "day", "days", "fps", "gb", "gbit", "gbits", "gbps", "ghz", "gi", "gib", "hour", "hours",
    "hr", "hrs", "hz", "kb", "kbit", "kbps", "kg", "khz", "ki", "kib", "km", "kw", "kwh", "mb", "mbit", "mbits", "mbps", "mhz",
    "mi", "mib", "min", "mins", "minute", "minutes", "mm", "ms", "msec", "msecs", "mw", "ns", "nsec", "pb", "pi", "pib", "px",
    "qps", "rpm", "rps", "sec", "second", "seconds", "secs", "tb", "tbps", "ti", "tib", "us", "usec", "week", "weeks",
]);

/// Units that may stand behind a number and a space, in lower case.
#[rustfmt::skip]
pub(crate) static SPACED_UNITS: List = &keys([
    "b", "bit", "bits", "bps", "byte", "bytes", "day", "days", "fps", "gb", "gbit", "gbps", "ghz", "gib", "gigabyte", "gigabytes",
    "hour", "hours", "hr", "hrs", "hz", "kb", "kbit", "kbps", "kg", "khz", "kib", "kilobyte", "kilobytes", "km", "mb", "mbit",
    "mbps", "megabyte", "megabytes", "mhz", "mib", "microsecond", "microseconds", "millis", "millisecond", "milliseconds", "min",
    "mins", "minute", "minutes", "month", "months", "ms", "msec", "msecs", "nanosecond", "nanoseconds", "ns", "pb", "pib", "px",
    "qps", "rpm", "rps", "s", "sec", "second", "seconds", "secs", "tb", "terabyte", "terabytes", "tib", "us", "usec", "week",
    "weeks", "year", "years",
]);

/// Last labels of host names of more than two letters.
#[rustfmt::skip]
pub(crate) static DOMAINS: List = &keys([
    "app", "arpa", "biz", "cloud", "cluster", "com", "consul", "corp", "dev", "edu", "example", "gov", "home", "info", "int",
    "internal", "intranet", "invalid", "io", "lan", "local", "localdomain", "mil", "net", "online", "org", "pri", "priv", "private",
    "prod", "site", "staging", "svc", "tech", "test", "xyz",
]);

/// Endings of files: behind one a number is a line, and it ends no host name.
#[rustfmt::skip]
pub(crate) static ENDINGS: List = &keys([
    "bz", "c", "cc", "cfg", "conf", "cpp", "cs", "css", "csv", "db", "dll", "ex", "exe", "exs", "go", "gz", "h", "hpp", "hs",
    "html", "ini", "java", "js", "json", "jsx", "kt", "lock", "log", "lua", "md", "mjs", "ml", "mm", "pb", "php", "pl", "ps", "py",
    "pyc", "rb", "rs", "sc", "scala", "sh", "so", "sql", "swift", "tf", "toml", "ts", "tsx", "txt", "vb", "vue", "xml", "xz",
    "yaml", "yml",
]);

/// Words before a colon and a number that are no host.
#[rustfmt::skip]
pub(crate) static NOT_HOSTS: List = &keys([
    "char", "code", "col", "column", "count", "error", "id", "length", "line", "offset", "page", "pid", "position", "row", "size",
    "status", "step",
]);

/// Ports that tell which service it was.
#[rustfmt::skip]
pub(crate) static SERVICE_PORTS: List = &keys([
    "110", "11211", "143", "1433", "1521", "1883", "2049", "21", "2181", "22", "2379", "25", "27017", "3306", "389", "4222", "443",
    "465", "53", "5432", "5672", "587", "636", "6379", "6443", "80", "8086", "8125", "9042", "9092", "9200", "993",
]);

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lists_are_sorted() {
        for list in [
            COUNTERS,
            NAMES,
            SPACED_NAMES,
            CODE_FAMILIES,
            PRODUCTS,
            TURNING,
            CODE_WORDS,
            OTHER_CODES,
            RESULT_WORDS,
            ANSWER_WORDS,
            OWN_PARTS,
            ID_KEYS,
            DATA_NOUNS,
            DATA_ADJECTIVES,
            DATA_TYPES,
            PHRASE_ENDS,
            OWNER_WORDS,
            USER_KEYS,
            REMOTE_KEYS,
            NOT_USERS,
            PERSONS,
            PROCESSES,
            PROGRAM_NOUNS,
            IDENTIFIER_NOUNS,
            ATTACHED_UNITS,
            SPACED_UNITS,
            DOMAINS,
            ENDINGS,
            NOT_HOSTS,
            SERVICE_PORTS,
        ] {
            assert!(list.is_sorted_by(|one, other| one < other), "{list:?}");
        }
    }

    #[test]
    fn words_are_found_in_any_case() {
        assert!(among(PRODUCTS, b"PostgreSQL"));
        assert!(!among(PRODUCTS, b""));
        assert!(!among(PRODUCTS, b"a word that no list has"));
    }
}
