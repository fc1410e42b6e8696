//! The kinds of things that are redacted, and the tokens they leave behind.

/// What a redacted value was.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) struct Kind(pub(crate) &'static str);

impl Kind {
    /// The token in place of the value, such as `<password>`.
    pub(crate) fn token(self) -> String {
        format!("<{}>", self.0)
    }
}

macro_rules! kinds {
    ($($name:ident = $text:literal,)*) => {
        $(pub(crate) const $name: Kind = Kind($text);)*
        const ALL: &[&str] = &[$($text),*];
    };
}

kinds! {
    AI_KEY = "ai-key",
    API_KEY = "api-key",
    AUTHORIZATION = "authorization",
    CARD = "card",
    CLOUD_KEY = "cloud-key",
    COOKIE = "cookie",
    CREDENTIALS = "credentials",
    CHAT_TOKEN = "chat-token",
    EMAIL = "email",
    GITHUB_TOKEN = "github-token",
    GITLAB_TOKEN = "gitlab-token",
    IBAN = "iban",
    IMEI = "imei",
    IP = "ip",
    JWT = "jwt",
    MAC = "mac",
    MAIL_KEY = "mail-key",
    PACKAGE_TOKEN = "package-token",
    PASSWORD = "password",
    PASSWORD_HASH = "password-hash",
    PAYMENT_KEY = "payment-key",
    PHONE = "phone",
    PRIVATE_KEY = "private-key",
    SECRET = "secret",
    SEED_PHRASE = "seed-phrase",
    SESSION = "session",
    SIGNATURE = "signature",
    SSN = "ssn",
    TOKEN = "token",
    USER = "user",
    WEBHOOK = "webhook",
}

/// What the tokens of an operator's own patterns begin with.
pub(crate) const OWN_PREFIX: &str = "x-";

/// Longest name of an own pattern, in bytes.
const OWN_NAME_BYTES_MAX: usize = 24;

/// Whether an own pattern may have this name.
pub(crate) fn is_own_name(name: &str) -> bool {
    let is_byte = |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'-';
    (1..=OWN_NAME_BYTES_MAX).contains(&name.len()) && name.bytes().all(is_byte)
}

/// Whether a name between angle brackets is that of a built-in token.
pub(crate) fn is_built_in(name: &str) -> bool {
    ALL.contains(&name)
}

/// Whether a name between angle brackets is one of the tokens that redaction leaves. Those of own patterns are known by their shape,
/// so that a reader without the configuration knows them too.
pub(crate) fn is_kind(name: &str) -> bool {
    is_built_in(name) || name.strip_prefix(OWN_PREFIX).is_some_and(is_own_name)
}
