//! Words of letters and digits: names that are kept, counters that lose their number, ids.
//!
//! The lists are part of the algorithm's version.

/// What a word of letters and digits is.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Verdict {
    /// A name; the digits belong to it.
    Keep,
    /// An id.
    Variable,
    /// Letters with a number behind.
    Counted {
        /// Length of the letters, in bytes.
        letters: usize,
    },
}

use Verdict::{Counted, Keep, Variable};

/// Words that count things: what follows them is a number of no meaning.
const COUNTERS: &[&str] = &[
    "actor",
    "agent",
    "attempt",
    "backend",
    "batch",
    "block",
    "broker",
    "bucket",
    "build",
    "cache",
    "chunk",
    "client",
    "cluster",
    "column",
    "conn",
    "connection",
    "consumer",
    "container",
    "core",
    "cpu",
    "customer",
    "db",
    "device",
    "disk",
    "dispatcher",
    "epoch",
    "executor",
    "exec",
    "fd",
    "fiber",
    "frame",
    "frontend",
    "goroutine",
    "gpu",
    "group",
    "guest",
    "handler",
    "host",
    "id",
    "index",
    "instance",
    "item",
    "iteration",
    "job",
    "line",
    "loop",
    "machine",
    "master",
    "member",
    "message",
    "msg",
    "node",
    "object",
    "offset",
    "order",
    "page",
    "part",
    "partition",
    "peer",
    "pid",
    "pod",
    "pool",
    "port",
    "primary",
    "proc",
    "process",
    "queue",
    "rank",
    "record",
    "region",
    "replica",
    "req",
    "request",
    "retry",
    "row",
    "run",
    "runner",
    "seq",
    "server",
    "session",
    "shard",
    "slave",
    "slot",
    "stage",
    "standby",
    "step",
    "stream",
    "task",
    "tenant",
    "thread",
    "tid",
    "tmp",
    "temp",
    "try",
    "tx",
    "txn",
    "user",
    "vm",
    "volume",
    "web",
    "worker",
    "wrk",
    "zone",
];

/// Names in which digits stand behind a hyphen, a dot or an underscore: encodings, digests, protocols, standards.
const NAMES: &[&str] = &[
    "aes", "avx", "big5", "blake", "cp", "crc", "cve", "des", "e", "ecma", "ed", "es", "float", "gb", "gpt", "h", "ibm", "int", "ipv",
    "koi8", "koi8_r", "lib", "mp", "mpeg", "p", "python", "rc", "s", "sha2", "sha3", "so", "sse", "tlsv", "type", "ucs", "uint", "win",
    "x", "x86", "8859",
];

/// Names of the same kind in which digits may also stand behind a space or a slash.
const SPACED_NAMES: &[&str] = &[
    "ascii", "base", "http", "https", "ieee", "ip", "iso", "latin", "md", "oauth", "pbkdf", "pkcs", "rfc", "rsa", "sha", "socks", "ssl",
    "tls", "usb", "utf", "windows", "wpa",
];

/// Families of error codes that put a hyphen before the number.
const CODE_FAMILIES: &[&str] = &[
    "asm", "cls", "cpf", "crs", "dbd", "dpi", "dpy", "err", "exp", "imp", "jbas", "kup", "lrm", "nid", "ns", "oci", "ora", "pls", "rman",
    "sp2", "tns", "ucp", "wfly", "arq", "hhh", "hv", "sql", "sqlcode", "msb", "nu", "va",
];

/// Products whose version is part of what went wrong.
const PRODUCTS: &[&str] = &[
    "android",
    "angular",
    "apache",
    "api",
    "bash",
    "chrome",
    "clang",
    "cuda",
    "cudnn",
    "cxxabi",
    "deno",
    "django",
    "docker",
    "dotnet",
    "edge",
    "elasticsearch",
    "elixir",
    "erlang",
    "fedora",
    "firefox",
    "flask",
    "gcc",
    "git",
    "glibc",
    "glibcxx",
    "go",
    "golang",
    "gradle",
    "grpc",
    "http",
    "https",
    "ios",
    "java",
    "jdk",
    "jre",
    "jvm",
    "kafka",
    "kernel",
    "kotlin",
    "kubernetes",
    "laravel",
    "libc",
    "libssl",
    "libstdc",
    "linux",
    "llvm",
    "log4j",
    "macos",
    "mariadb",
    "maven",
    "mongodb",
    "musl",
    "mysql",
    "net",
    "netty",
    "next",
    "nginx",
    "node",
    "nodejs",
    "npm",
    "numpy",
    "nvcc",
    "opengl",
    "openjdk",
    "openssl",
    "oracle",
    "otp",
    "perl",
    "php",
    "pip",
    "pnpm",
    "postgres",
    "postgresql",
    "protobuf",
    "protocol",
    "python",
    "pytorch",
    "rails",
    "react",
    "redis",
    "ruby",
    "rust",
    "rustc",
    "safari",
    "scala",
    "spark",
    "spring",
    "sqlite",
    "ssl",
    "swift",
    "tensorflow",
    "tls",
    "tlsv",
    "tomcat",
    "torch",
    "typescript",
    "ubuntu",
    "vue",
    "vulkan",
    "webpack",
    "windows",
    "yarn",
];

/// Words of letters and digits in turns that are names all the same.
const TURNING: &[&str] = &[
    "f32x4",
    "h264avc",
    "i32x4",
    "i8x16",
    "prime256v1",
    "s3v4",
    "secp256k1",
    "secp256r1",
    "secp384r1",
    "secp521r1",
    "u8x16",
    "utf8mb3",
    "utf8mb4",
];

pub(crate) fn is_counter(word: &str) -> bool {
    among(COUNTERS, word) || word.strip_suffix(['s', 'S']).is_some_and(|word| among(COUNTERS, word))
}

pub(crate) fn is_name(word: &str) -> bool {
    among(NAMES, word) || is_spaced_name(word)
}

pub(crate) fn is_spaced_name(word: &str) -> bool {
    among(SPACED_NAMES, word)
}

pub(crate) fn is_code_family(word: &str) -> bool {
    among(CODE_FAMILIES, word)
}

pub(crate) fn is_product(word: &str) -> bool {
    among(PRODUCTS, word)
}

pub(crate) fn among(list: &[&str], word: &str) -> bool {
    list.iter().any(|row| row.eq_ignore_ascii_case(word))
}

/// Whether a word of letters is hex: twelve of them are no word of a language.
pub(crate) fn is_hex_without_digits(word: &str) -> bool {
    word.len() >= 12 && word.bytes().all(|byte| byte.is_ascii_hexdigit())
}

/// Judges a word of ASCII letters and digits, or of hex letters only.
pub(crate) fn judge(word: &str) -> Verdict {
    let bytes = word.as_bytes();
    let digits = bytes.iter().filter(|byte| byte.is_ascii_digit()).count();
    let letters = bytes.iter().take_while(|byte| byte.is_ascii_alphabetic()).count();
    if is_hex(bytes, digits) {
        return Variable;
    }
    match turns(bytes) {
        0 => Variable,
        1 if letters > 0 => judge_counted(word, letters),
        1 => judge_leading(word, digits),
        _ if among(TURNING, word) => Keep,
        2 if letters > 0 && digits <= 3 && word.len() <= 12 => Keep,
        _ => Variable,
    }
}

/// Seven hex digits are the shortest git hash. Fewer digits than two make a short one more likely a word.
fn is_hex(bytes: &[u8], digits: usize) -> bool {
    let long_enough = bytes.len() >= 7 && digits >= 2 || bytes.len() >= 12;
    long_enough && bytes.iter().all(u8::is_ascii_hexdigit) && !is_letters_then_few_digits(bytes, digits)
}

/// `decade12`, `face2000`: letters with up to four digits behind are a name.
fn is_letters_then_few_digits(bytes: &[u8], digits: usize) -> bool {
    digits <= 4 && bytes.len() - digits >= 4 && bytes[..bytes.len() - digits].iter().all(u8::is_ascii_alphabetic) && bytes.len() < 12
}

/// How often letters turn to digits or back.
fn turns(bytes: &[u8]) -> usize {
    bytes.windows(2).filter(|pair| pair[0].is_ascii_digit() != pair[1].is_ascii_digit()).count()
}

fn judge_counted(word: &str, letters: usize) -> Verdict {
    let (name, digits) = word.split_at(letters);
    if digits.len() >= 8 && word.len() >= 10 {
        return Variable;
    }
    if is_counter(name) {
        return Counted { letters };
    }
    let is_code = digits.len() == 5 && name.len() <= 6 && name.bytes().all(|byte| byte.is_ascii_uppercase());
    if digits.len() <= 4 || is_code || is_name(name) {
        return Keep;
    }
    Counted { letters }
}

/// `4k`, `3d`, `2fa` are names, `2nd` and `12345abc` are not.
fn judge_leading(word: &str, digits: usize) -> Verdict {
    let ordinals = ["st", "nd", "rd", "th"];
    if digits > 2 || among(&ordinals, &word[digits..]) { Variable } else { Keep }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_keep_their_digits() {
        for word in [
            "int16", "sha384", "utf8", "latin1", "av1", "ES384", "Vec3", "base58", "k8s", "riscv64", "E0599", "TS7006", "CS8602",
            "LNK2019", "log4j", "i18n", "h264", "s3", "x86", "4k", "2fa", "utf8mb4", "PGRST116", "v4", "oauth2", "MSB30073",
        ] {
            assert_eq!(judge(word), Keep, "{word}");
        }
    }

    #[test]
    fn counters_lose_their_number() {
        for (word, letters) in [("worker16", 6), ("node1", 4), ("Thread12", 6), ("abcxyz123456", 6)] {
            assert_eq!(judge(word), Counted { letters }, "{word}");
        }
    }

    #[test]
    fn ids_are_variable() {
        for word in ["3ac9f01", "7d9f8b6c5d", "x2x7z", "01ARZ3NDEKTSV4RRFFQ69G5FAV", "abcdefabcdef", "2nd", "V1StGXR8Z5jdHi6B"] {
            assert_eq!(judge(word), Variable, "{word}");
        }
    }
}
