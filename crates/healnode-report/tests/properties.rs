//! What holds for every text.

use std::time::{Duration, Instant};

use healnode_report::{
    Head, RawError, Redactor, RedactorOptions, Report, Severity, UnixMillis, fingerprint, in_app_frames, language, normalise, redact,
    redact_argv,
};
use proptest::prelude::*;

const NOW: UnixMillis = UnixMillis(1_795_612_232_000);

/// Pieces that rules look for, so that texts made of them come close to their edges.
const PIECES: &[&str] = &[
    "password",
    "=",
    ": ",
    ":",
    "\"",
    "'",
    "\\",
    "\\\"",
    "://",
    "@",
    "%40",
    "token",
    "secret",
    "<password>",
    "<*>",
    "<",
    ">",
    "&",
    "?",
    "key=",
    "api_key",
    "Authorization: ",
    "Bearer ",
    "Basic ",
    "cookie:",
    "eyJ",
    ".",
    "-",
    "_",
    "/",
    "+",
    "4111",
    "1111",
    " ",
    "\n",
    "\t",
    "abc",
    "x1y2z3",
    "ghp_",
    "aB3dE5fG7hJ9kL1mN3pQ",
    "-----BEGIN ",
    "PRIVATE KEY-----",
    "MIIEvQIBADANBgkqhkiG",
    "/home/",
    "anna",
    "\\Users\\",
    "10.0.0.1",
    "8.8.8.8",
    ":443",
    "0x7f3a",
    "error ",
    "status ",
    "404",
    "Not Found",
    "of ",
    "2026-11-25T13:10:32Z",
    "1.5",
    "GiB",
    "utf-8",
    "(",
    ")",
    ")=(",
    "[",
    "]",
    ",",
    ", ",
    "é",
    "日本",
    "\u{1b}[31m",
    "\u{200b}",
    "--token",
    "|",
    "#0 ",
    " in ",
    "File \"",
    ", line 1, in f",
    "at ",
    "a.js:1:2",
    "user '",
    "DE89",
    "+49 170",
    "%3D",
    "%22",
    "$2b$",
    "q~",
    "1Q~",
    "v1.2.3",
    "worker",
    "16",
    "@3ac9f01e",
    "Jan ",
    "12:34:56",
    "é1",
    "://a:b",
    "ssn",
    "007",
    "password is ",
    "\n+ ",
    "mysql -p",
    "curl -u ",
    ";",
    "name: ",
    "value: ",
    "-----END ",
    "curl ",
    "docker login ",
    "net use \\\\nas\\v ",
    "IDENTIFIED BY ",
    "PDO->__construct(",
    "kind: Secret",
    "\ndata:\n  a: ",
    "mnemonic ",
    "legal winner thank year wave sausage worth useful legal winner thank yellow",
    "<wsse:Password a=b>",
    "</wsse:Password>",
    "Password(",
    "| ",
    " string = ",
    "&quot;",
    "\\u003d",
    "HEROKU_KEY",
    "AKIAIOSFODNN7EXAMPLQ",
    "MTE3",
    "phone: ",
    "Invalid user ",
    "пароль",
    "<x-ticket>",
    "TCK-12",
    "id=",
    "${",
    "user ",
    "for ",
    "invalid ",
    "customer name: ",
    "Anna ",
    "arn:aws:sqs:",
    "eu-west-1:",
    "dup key: { a: ",
    "gpu-c21",
    "B25-",
    "po_",
    "Id\":\"",
    "::",
    "::1",
    "[::]",
    "%eth0",
    ".example.net",
    "ip-10-0-0-1",
    "rhost=",
    "~",
    "rows ",
    "retries ",
    "ms",
    "mb",
    "x",
    "1",
    "SQLSTATE[",
    "HY000",
    "exited with ",
    "version >=",
    "HTTP/1.1\" ",
    "failed: ",
    "#",
    "7d9f8b6c5d",
    "-x2k7p",
    "abcdefabcdef",
    "ffff",
    "550e8400-e29b-41d4-a716-446655440000",
    "1.2.3-rc.1",
    "٥",
    "№",
    "/tmp/",
    "registry/src/",
    "C:\\",
    "node ",
    "hR4nZ-2TbC8wKq5",
    "v1beta1",
    "$Proxy9",
    "W/",
    "hR4nZ",
    "eHVkbQ",
    "==",
    "inv_",
    "$$",
    "[C4][S9",
    "[  ",
    "×",
    "'204",
    "PT0.25S",
    "e-05 s",
    "tag ",
    ", tag ",
    "deploy@",
    "(202) 555-0143",
    "Cart.total/",
    "error:0A000086",
    "550 5.1.1",
    "dsn=",
    "/chain/sync/",
    "protocol ",
    " as code",
    " (errno)",
    " signal",
    "num=",
    "status was ",
    "got ",
    "Exception (",
    "requires Blender ",
    " >= ",
    "0x80070005",
    "-32601",
    "Duplicate slug '",
    "/3f/",
    "AU7-XK2-99Q",
    "NCCL version ",
    "C++",
    "with id ",
    "If-Range \"",
    "</td><td>",
    "<key>token</key>",
    " -> \"",
    "Some(\n  ",
    "<<\"",
    "「",
    "」",
    "->",
    "insert into t (a, password) values (",
    ":5432:",
    "AUTH PLAIN ",
    "a1 LOGIN ",
    "password for x: ",
    "(string) (len=3) ",
    "sudo: ",
    "rhost=h  user=",
    "session_id=",
    "input_value='",
    "SAMLResponse=",
    "&amp;",
    "%2B49",
    "$apr1$",
    "{ssha}",
    "{{",
    "(known",
    "following password",
];

/// A redactor with rules that overlap, ask for what is beside a match, and meet the tokens of other rules.
fn redactor() -> Redactor {
    let pattern = |(name, pattern): (&str, &str)| (name.to_owned(), pattern.to_owned());
    let patterns = [("ticket", "TCK-[0-9]+"), ("edge", r"e\b"), ("id", r"id=(\w+)"), ("ten", "[a-z]{10,}"), ("open", "<[a-z]")];
    Redactor::new(&RedactorOptions {
        patterns: patterns.map(pattern).to_vec(),
        allowed: ["hunter2", "8.8.8.8", "anna"].map(str::to_owned).to_vec(),
        credentials: ["password", "aB3dE5fG7hJ9kL1mN3pQ", "x1y2z3x1y2z3"].map(str::to_owned).to_vec(),
        ip_addresses: false,
    })
    .expect("the patterns are sound")
}

fn text() -> impl Strategy<Value = String> {
    let pieces = proptest::collection::vec(proptest::sample::select(PIECES), 0..24).prop_map(|pieces| pieces.concat());
    prop_oneof![3 => pieces, 1 => any::<String>(), 1 => "[ -~\n]{0,120}"]
}

/// Values of every shape, whose names and texts are made of the pieces.
fn context() -> impl Strategy<Value = serde_json::Value> {
    let number = any::<i64>().prop_map(serde_json::Value::from);
    let leaf = prop_oneof![3 => text().prop_map(serde_json::Value::from), 1 => number, 1 => Just(serde_json::Value::Null)];
    leaf.prop_recursive(4, 24, 5, |inner| {
        prop_oneof![
            proptest::collection::vec(inner.clone(), 0..5).prop_map(serde_json::Value::from),
            proptest::collection::btree_map(text(), inner, 0..5).prop_map(|members| members.into_iter().collect()),
        ]
    })
}

fn raw() -> impl Strategy<Value = RawError> {
    let texts = || proptest::collection::vec(text(), 0..4);
    let rest = (proptest::option::of(context()), any::<u64>());
    (text(), text(), proptest::option::of(text()), texts(), texts(), texts(), rest).prop_map(
        |(error_type, message, stack, logs, command, tags, (context, count))| {
            let mut raw = RawError::new(format!("E{error_type}"), message);
            raw.stack = stack;
            raw.app = logs.first().cloned();
            raw.logs = logs;
            raw.fingerprint = command.iter().skip(1).cloned().collect();
            raw.command = command;
            raw.tags = tags.into_iter().map(|tag| (tag.chars().take(9).collect(), tag)).collect();
            raw.context = context;
            raw.at = Some(UnixMillis(count >> 22));
            raw.count = count;
            raw
        },
    )
}

fn cases() -> ProptestConfig {
    ProptestConfig { cases: 512, failure_persistence: None, ..ProptestConfig::default() }
}

proptest! {
    #![proptest_config(cases())]

    #[test]
    fn redacting_twice_changes_nothing(text in text()) {
        let once = redact(&text).into_owned();
        prop_assert_eq!(redact(&once), once.as_str());
    }

    #[test]
    fn redacting_twice_by_own_rules_changes_nothing(text in text()) {
        let redactor = redactor();
        let once = redactor.redact(&text).into_owned();
        prop_assert_eq!(redactor.redact(&once), once.as_str());
    }

    #[test]
    fn a_credential_never_stays(before in text(), after in text()) {
        let redacted = redactor().redact(&format!("{before} aB3dE5fG7hJ9kL1mN3pQ {after}")).into_owned();
        prop_assert!(!redacted.contains("aB3dE5fG7hJ9kL1mN3pQ"));
    }

    #[test]
    fn redacted_text_has_no_control_characters(text in text()) {
        let redacted = redact(&text).into_owned();
        prop_assert!(!redacted.chars().any(|c| c.is_control() && c != '\n' && c != '\t'));
    }

    #[test]
    fn normalising_twice_changes_nothing(text in text()) {
        let once = normalise(&text);
        prop_assert_eq!(normalise(&once), once.as_str());
        prop_assert!(!once.contains('\n'));
    }

    #[test]
    fn a_report_that_is_admitted_again_stays_equal(raw in raw()) {
        let report = Report::new(raw, NOW);
        let json = serde_json::to_string(&report).unwrap();
        let from_json = Report::new(RawError::from_json(&json).unwrap(), UnixMillis(7));
        prop_assert_eq!(&from_json, &report);
        let cbor = serde_cbor::to_vec(&report).unwrap();
        let from_cbor = Report::new(serde_cbor::from_slice(&cbor).unwrap(), UnixMillis(7));
        prop_assert_eq!(&from_cbor, &report);
        prop_assert_eq!(from_cbor.fingerprint(), report.fingerprint());
    }

    #[test]
    fn a_head_that_is_admitted_again_stays_equal(raw in raw(), text in text()) {
        let head = Report::new(raw, NOW).head();
        prop_assert_eq!(head.clone().admit(), head);
        let foreign = Head { error_type: text.clone(), message: text.clone(), severity: Severity::Low, app: text, release: String::new(), frames: 0 };
        let admitted = foreign.admit();
        prop_assert!(!admitted.message.contains('\n') && !admitted.error_type.contains('\n'));
        prop_assert_eq!(admitted.clone().admit(), admitted);
    }

    #[test]
    fn any_text_may_be_a_stack_or_a_command(text in text(), argv in proptest::collection::vec(text(), 0..6)) {
        in_app_frames(&text);
        language(&text);
        prop_assert_eq!(redact_argv(&argv).len(), argv.len());
    }

    #[test]
    fn redaction_does_not_steer_grouping(value in variable(), place in proptest::sample::select(PLACES)) {
        let message = place.replace("{}", &value);
        prop_assert_eq!(normalise(&redact(&message)), normalise(&message));
    }

    #[test]
    fn every_variable_becomes_the_placeholder(value in variable()) {
        prop_assert_eq!(normalise(&format!("no answer from {value} today")), "no answer from <*> today");
    }

    #[test]
    fn a_message_that_is_grouped_has_no_more_lines_and_spaces(text in text()) {
        let normalised = normalise(&text);
        prop_assert!(!normalised.contains("  ") && !normalised.starts_with(' ') && !normalised.ends_with(' '));
    }

    #[test]
    fn no_part_of_a_planted_secret_is_left(secret in "[A-Za-z0-9]{36}", before in text(), after in text()) {
        let token = format!("{}_{secret}", "ghp");
        let text = format!("{before} {token} {after}");
        let redacted = redact(&text).into_owned();
        let is_generated = secret.bytes().any(|byte| byte.is_ascii_digit());
        prop_assert!(!is_generated || (0..29).all(|start| !redacted.contains(&secret[start..start + 8])));
    }
}

/// Where a variable may stand in a message.
const PLACES: &[&str] = &[
    "no answer from {} today",
    "{} is gone",
    "gone: {}",
    "id={} is gone",
    "key '{}' is gone",
    "key \"{}\" is gone",
    "[{}] is gone",
    "({}), then ({})",
    "first {}, second {}",
    "{} {} {}",
    "port 80 of {}",
    "host {} (try 3)",
    "a/{}/b",
    "{}.",
    "{}: no such thing",
    "error with {} in it",
    "user {} left",
];

/// Numbers, hex, ids and addresses in the forms that redaction may take out.
fn variable() -> impl Strategy<Value = String> {
    prop_oneof![
        "[1-9][0-9]{0,18}",
        "[1-9][0-9]{15}",
        "[0-9a-f]{40}",
        "[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}",
        any::<[u8; 4]>().prop_map(|[a, b, c, d]| format!("{a}.{b}.{c}.{d}")),
        any::<[u8; 6]>().prop_map(|bytes| bytes.map(|byte| format!("{byte:02x}")).join(":")),
        any::<[u16; 8]>()
            .prop_map(std::net::Ipv6Addr::from)
            .prop_filter("compressed", |a| !a.to_string().contains("::"))
            .prop_map(|a| a.to_string()),
        "[0-9]{3}-[0-9]{2}-[0-9]{4}",
        "\\+[1-9][0-9]{1,2} [0-9]{3} [0-9]{7}",
        "4[0-9]{3} [0-9]{4} [0-9]{4} [0-9]{4}",
        "[a-z]{3,8}@[a-z]{3,8}\\.com",
        "0x[0-9a-f]{4,12}",
    ]
}

/// Long enough that anything quadratic takes hours over all pieces, and short enough that what is linear takes seconds.
const TEXT_BYTES: usize = 64 * 1024;

#[test]
fn adversarial_texts_take_linear_time() {
    let start = Instant::now();
    let redactor = redactor();
    for piece in PIECES.iter().chain(&[
        "sk-ant-",
        "eyJ-",
        "hvs.",
        "password=\"",
        "a.b@",
        "a:",
        "1-",
        "1 ",
        "AKIA",
        "[[[",
        "0x",
        "{'token': ",
        "-----BEGIN PRIVATE KEY-----\n",
        "pass=${",
        "pass:%(",
        "<pass:",
        "--pass ${",
        "?key=${",
        "cookie:a=${",
        "auth=",
        "\n+ '",
        "+ curl -u \"",
        ";;;;",
        "key=\"apiKey\">",
        "pass=\"a\n",
        "Server;Password=a b;",
        "pass\\u003d${",
        "name: auth\nvalue: ${",
        "-----END PRIVATE KEY-----",
        "A\\n-----END PRIVATE KEY-----\n",
        "curl -u ",
        "curl a 'b ",
        "mysql -p\"",
        "net use a ",
        "identified by a ",
        "pdo->__construct('a', ",
        "jdbc:oracle:a/",
        "kind: Secret\ndata:\n  a: b\n",
        "data:{\"a\":\"",
        "mnemonic legal winner thank year wave sausage worth useful legal winner ",
        "<a:password b=",
        "password(a",
        "| password | ",
        "token aB3dE5fG7hJ9k ",
        "api key ",
        "token string = ",
        "form-data; name=\"password\"\n\n",
        "&quot;password&quot;:&quot;",
        "AKIAIOSFODNN7EXAMPLQ ",
        "MTE3MTE3MTE3MTE3MTE3MTE3.",
        "Private-Lines: 1\n",
        "-----BEGIN%20PRIVATE KEY-----%0A",
        "phone: 1",
        "password=\n string(",
        "e ",
        "id=",
        "<x-ticket>",
    ]) {
        let text = piece.repeat(TEXT_BYTES / piece.len());
        redact(&text);
        redactor.redact(&text);
        redact(&format!("{text}{}", ">".repeat(text.len() / 4)));
        redact_argv(std::slice::from_ref(&text));
        normalise(&text[..text.len().min(8192 / piece.len() * piece.len())]);
        fingerprint("E", "m", Some(&text));
    }
    assert!(start.elapsed() < Duration::from_secs(120), "took {:?}", start.elapsed());
}
