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

/// Whether a name between angle brackets is one of the tokens that redaction leaves.
pub(crate) fn is_kind(name: &str) -> bool {
    ALL.contains(&name)
}
