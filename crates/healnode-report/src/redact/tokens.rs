//! Secrets that their own format betrays.
//!
//! Prefixes and lengths are the issuers' public ones. A length is a lower bound, and lower than what is issued: issuers lengthen
//! tokens, and logs cut them. A new kind of token is one more row.

use super::kind::{
    AI_KEY, API_KEY, CHAT_TOKEN, CLOUD_KEY, GITHUB_TOKEN, GITLAB_TOKEN, JWT, Kind, MAIL_KEY, PACKAGE_TOKEN, PASSWORD, PASSWORD_HASH,
    PAYMENT_KEY, PRIVATE_KEY, SECRET, TOKEN, WEBHOOK,
};
use super::scan::{byte, byte_before, is_base64, is_word, looks_generated, probe, run, run_back, starts_a_word};
use super::span::Spans;

/// A secret that begins with a fixed prefix.
pub(crate) struct Token {
    /// The prefix, as it is written.
    pub(crate) prefix: &'static str,
    body: fn(u8) -> bool,
    body_bytes_min: usize,
    kind: Kind,
    keeps_prefix: bool,
}

const fn row(prefix: &'static str, body: fn(u8) -> bool, body_bytes_min: usize, kind: Kind) -> Token {
    Token { prefix, body, body_bytes_min, kind, keeps_prefix: false }
}

/// A secret path behind a public address, which stays.
const fn path(prefix: &'static str, body_bytes_min: usize, kind: Kind) -> Token {
    Token { prefix, body: is_path, body_bytes_min, kind, keeps_prefix: true }
}

fn is_alnum(byte: u8) -> bool {
    byte.is_ascii_alphanumeric()
}

fn is_hex(byte: u8) -> bool {
    byte.is_ascii_hexdigit()
}

fn is_dotted(byte: u8) -> bool {
    is_word(byte) || byte == b'.'
}

fn is_path(byte: u8) -> bool {
    is_dotted(byte) || matches!(byte, b'/' | b'@' | b'%')
}

fn is_underscored(byte: u8) -> bool {
    is_alnum(byte) || byte == b'_'
}

/// Every token that a prefix betrays.
pub(crate) const TOKENS: &[Token] = &[
    row("ghp_", is_alnum, 16, GITHUB_TOKEN),
    row("gho_", is_alnum, 16, GITHUB_TOKEN),
    row("ghu_", is_alnum, 16, GITHUB_TOKEN),
    row("ghr_", is_alnum, 16, GITHUB_TOKEN),
    row("ghs_", is_dotted, 16, GITHUB_TOKEN),
    row("github_pat_", is_underscored, 16, GITHUB_TOKEN),
    row("glpat-", is_dotted, 16, GITLAB_TOKEN),
    row("gldt-", is_word, 16, GITLAB_TOKEN),
    row("glrt-", is_dotted, 16, GITLAB_TOKEN),
    row("glft-", is_word, 16, GITLAB_TOKEN),
    row("glsoat-", is_word, 16, GITLAB_TOKEN),
    row("glptt-", is_hex, 16, GITLAB_TOKEN),
    row("glcbt-", is_underscored, 16, GITLAB_TOKEN),
    row("gloas-", is_word, 16, GITLAB_TOKEN),
    row("GR1348941", is_word, 16, GITLAB_TOKEN),
    row("ATATT3", is_base64, 32, TOKEN),
    row("ATBB", is_alnum, 24, TOKEN),
    row("AKIA", is_alnum, 16, CLOUD_KEY),
    row("ASIA", is_alnum, 16, CLOUD_KEY),
    row("ABIA", is_alnum, 16, CLOUD_KEY),
    row("ACCA", is_alnum, 16, CLOUD_KEY),
    row("ABSK", is_base64, 80, CLOUD_KEY),
    row("AIza", is_word, 30, CLOUD_KEY),
    row("GOCSPX-", is_word, 16, CLOUD_KEY),
    row("ya29.", is_dotted, 16, CLOUD_KEY),
    row("1//0", is_word, 30, CLOUD_KEY),
    row("dop_v1_", is_hex, 16, CLOUD_KEY),
    row("doo_v1_", is_hex, 16, CLOUD_KEY),
    row("dor_v1_", is_hex, 16, CLOUD_KEY),
    row("LTAI", is_alnum, 12, CLOUD_KEY),
    row("dapi", is_hex, 32, CLOUD_KEY),
    row("fo1_", is_word, 32, CLOUD_KEY),
    row("fm1a_", is_base64, 32, CLOUD_KEY),
    row("fm1r_", is_base64, 32, CLOUD_KEY),
    row("fm2_", is_base64, 32, CLOUD_KEY),
    row("HRKU-", is_word, 32, CLOUD_KEY),
    row("hvs.", is_word, 16, TOKEN),
    row("hvb.", is_word, 32, TOKEN),
    row("pscale_pw_", is_dotted, 16, PASSWORD),
    row("pscale_tkn_", is_dotted, 16, TOKEN),
    row("pscale_oauth_", is_dotted, 16, TOKEN),
    row("dp.pt.", is_alnum, 16, TOKEN),
    row("pul-", is_hex, 40, TOKEN),
    row("sbp_", is_hex, 16, TOKEN),
    row("sb_secret_", is_word, 16, TOKEN),
    row("sha256~", is_word, 40, TOKEN),
    row("v1.0-", is_word, 60, CLOUD_KEY),
    row("sk-proj-", is_word, 16, AI_KEY),
    row("sk-svcacct-", is_word, 16, AI_KEY),
    row("sk-admin-", is_word, 16, AI_KEY),
    row("sk-ant-", is_word, 16, AI_KEY),
    row("sk-or-v1-", is_hex, 16, AI_KEY),
    row("sk-", is_alnum, 24, AI_KEY),
    row("hf_", is_alnum, 16, AI_KEY),
    row("api_org_", is_alnum, 16, AI_KEY),
    row("gsk_", is_alnum, 16, AI_KEY),
    row("xai-", is_alnum, 24, AI_KEY),
    row("pplx-", is_alnum, 24, AI_KEY),
    row("r8_", is_alnum, 24, AI_KEY),
    row("npm_", is_alnum, 16, PACKAGE_TOKEN),
    row("pypi-", is_word, 32, PACKAGE_TOKEN),
    row("rubygems_", is_hex, 16, PACKAGE_TOKEN),
    row("cio", is_alnum, 32, PACKAGE_TOKEN),
    row("oy2", is_alnum, 43, PACKAGE_TOKEN),
    row("dckr_pat_", is_word, 16, PACKAGE_TOKEN),
    row("dckr_oat_", is_word, 16, PACKAGE_TOKEN),
    row("xoxb-", is_word, 10, CHAT_TOKEN),
    row("xoxp-", is_word, 10, CHAT_TOKEN),
    row("xoxa-", is_word, 10, CHAT_TOKEN),
    row("xoxr-", is_word, 10, CHAT_TOKEN),
    row("xoxs-", is_word, 10, CHAT_TOKEN),
    row("xoxe-", is_word, 10, CHAT_TOKEN),
    row("xoxe.", is_dotted, 10, CHAT_TOKEN),
    row("xapp-", is_word, 10, CHAT_TOKEN),
    path("hooks.slack.com/services/", 16, WEBHOOK),
    path("hooks.slack.com/workflows/", 16, WEBHOOK),
    path("discord.com/api/webhooks/", 16, WEBHOOK),
    path("discordapp.com/api/webhooks/", 16, WEBHOOK),
    path("webhook.office.com/webhookb2/", 16, WEBHOOK),
    row("SG.", is_dotted, 32, MAIL_KEY),
    row("SK", is_hex, 32, API_KEY),
    row("key-", is_hex, 32, MAIL_KEY),
    row("xkeysib-", is_word, 16, MAIL_KEY),
    row("xsmtpsib-", is_word, 16, MAIL_KEY),
    row("sk_live_", is_alnum, 10, PAYMENT_KEY),
    row("sk_test_", is_alnum, 10, PAYMENT_KEY),
    row("rk_live_", is_alnum, 10, PAYMENT_KEY),
    row("rk_test_", is_alnum, 10, PAYMENT_KEY),
    row("whsec_", is_base64, 16, PAYMENT_KEY),
    row("sq0atp-", is_word, 16, PAYMENT_KEY),
    row("sq0csp-", is_word, 16, PAYMENT_KEY),
    row("EAAA", is_word, 40, PAYMENT_KEY),
    row("shpat_", is_hex, 16, PAYMENT_KEY),
    row("shpca_", is_hex, 16, PAYMENT_KEY),
    row("shppa_", is_hex, 16, PAYMENT_KEY),
    row("shpss_", is_hex, 16, PAYMENT_KEY),
    row("sntryu_", is_hex, 16, TOKEN),
    row("sntrys_", is_base64, 16, TOKEN),
    row("glsa_", is_underscored, 16, TOKEN),
    row("glc_", is_base64, 32, TOKEN),
    row("NRAK-", is_alnum, 16, API_KEY),
    row("dt0c01.", is_dotted, 24, TOKEN),
    row("lin_api_", is_alnum, 16, API_KEY),
    row("ntn_", is_alnum, 24, TOKEN),
    row("figd_", is_word, 16, TOKEN),
    row("PMAK-", is_word, 24, API_KEY),
    row("pat-na1-", is_word, 16, TOKEN),
    row("pat-eu1-", is_word, 16, TOKEN),
    row("ops_eyJ", is_base64, 32, TOKEN),
    row("AGE-SECRET-KEY-1", is_alnum, 16, PRIVATE_KEY),
    row("ccpk_", is_word, 16, API_KEY),
];

impl Token {
    /// Adds the token whose prefix begins at `start`, if it is one.
    pub(crate) fn find(&self, text: &str, start: usize, spans: &mut Spans) {
        let bytes = text.as_bytes();
        let body = start + self.prefix.len();
        if spans.covers(start) || &bytes[start..body] != self.prefix.as_bytes() {
            return;
        }
        if !self.keeps_prefix && !starts_a_word(bytes, start) {
            return;
        }
        let probed = trim_dots(bytes, probe(bytes, body, self.body));
        if probed < body + self.body_bytes_min || !looks_generated(&bytes[body..probed]) {
            return;
        }
        let end = trim_dots(bytes, run(bytes, probed, self.body));
        let from = if self.keeps_prefix { body } else { start };
        spans.add_by_format(from, end, self.kind);
    }
}

fn trim_dots(bytes: &[u8], mut end: usize) -> usize {
    while byte_before(bytes, end) == b'.' {
        end -= 1;
    }
    end
}

/// A JSON web token: dotted base64url parts, the first of which is a JSON object.
pub(crate) fn find_jwt(text: &str, start: usize, _: usize, spans: &mut Spans) {
    let bytes = text.as_bytes();
    if spans.covers(start) || !text[start..].starts_with("eyJ") || !starts_a_word(bytes, start) {
        return;
    }
    let header = probe(bytes, start, is_word);
    let payload = probe(bytes, header + 1, is_word);
    if header >= start + 14 && byte(bytes, header) == b'.' && payload >= header + 9 {
        spans.add_by_format(start, trim_dots(bytes, run(bytes, payload, is_dotted)), JWT);
    }
}

/// An Azure client secret: three characters, a digit, `Q~`, and at least 31 more.
pub(crate) fn find_azure_secret(text: &str, start: usize, end: usize, spans: &mut Spans) {
    let bytes = text.as_bytes();
    let is_body = |byte| is_dotted(byte) || byte == b'~';
    if start < 4 || !bytes[start - 1].is_ascii_digit() || spans.covers(start) {
        return;
    }
    let last = probe(bytes, end, is_body);
    if last >= end + 31 && starts_a_word(bytes, start - 4) {
        spans.add_by_format(start - 4, trim_dots(bytes, run(bytes, last, is_body)), SECRET);
    }
}

/// A Telegram bot token: 8 to 10 digits, a colon, and 35 characters that begin with `AA`.
pub(crate) fn find_telegram(text: &str, start: usize, _: usize, spans: &mut Spans) {
    let bytes = text.as_bytes();
    let first = run_back(bytes, start, 11, |byte| byte.is_ascii_digit());
    let last = probe(bytes, start + 1, is_word);
    if (8..=10).contains(&(start - first)) && last >= start + 31 && !spans.covers(start) {
        spans.add_by_format(first, run(bytes, last, is_word), CHAT_TOKEN);
    }
}

/// A Mailchimp key: 32 hex digits, `-us`, and the number of a data centre.
pub(crate) fn find_mailchimp(text: &str, start: usize, end: usize, spans: &mut Spans) {
    let bytes = text.as_bytes();
    let first = run_back(bytes, start, 33, is_hex);
    let last = run(bytes, end, |byte| byte.is_ascii_digit());
    if start - first == 32 && last > end && looks_generated(&bytes[first..start]) {
        spans.add_by_format(first, last, MAIL_KEY);
    }
}

/// A password hash in the form of `crypt`.
pub(crate) fn find_crypt(text: &str, start: usize, end: usize, spans: &mut Spans) {
    let bytes = text.as_bytes();
    let is_body = |byte| is_base64(byte) || matches!(byte, b'.' | b'$' | b',');
    if spans.covers(start) {
        return;
    }
    let probed = probe(bytes, end, is_body);
    if probed >= end + 20 && looks_generated(&bytes[end..probed]) {
        spans.add_by_format(start, trim_dots(bytes, run(bytes, probed, is_body)), PASSWORD_HASH);
    }
}
