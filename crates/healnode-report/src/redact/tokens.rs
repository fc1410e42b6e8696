//! Secrets that their own format betrays.
//!
//! Prefixes and lengths are the issuers' public ones. A length is a lower bound, and lower than what is issued: issuers lengthen
//! tokens, and logs cut them. A new kind of token is one more row.

use super::kind::{
    AI_KEY, API_KEY, CHAT_TOKEN, CLOUD_KEY, CREDENTIALS, GITHUB_TOKEN, GITLAB_TOKEN, JWT, Kind, MAIL_KEY, PACKAGE_TOKEN, PASSWORD,
    PASSWORD_HASH, PAYMENT_KEY, PRIVATE_KEY, SECRET, SESSION, TOKEN, WEBHOOK,
};
use super::scan::{
    byte, byte_before, distinct, is_base64, is_word, looks_generated, looks_random, probe, run, run_back, starts_a_word, takes_turns,
};
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

fn is_base64_dotted(byte: u8) -> bool {
    is_base64(byte) || byte == b'.'
}

fn is_capital(byte: u8) -> bool {
    byte.is_ascii_uppercase() || byte.is_ascii_digit()
}

fn is_capital_dashed(byte: u8) -> bool {
    is_capital(byte) || byte == b'-'
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
    row("glcbt-", is_word, 16, GITLAB_TOKEN),
    row("gloas-", is_word, 16, GITLAB_TOKEN),
    row("GR1348941", is_word, 16, GITLAB_TOKEN),
    row("glffct-", is_word, 16, GITLAB_TOKEN),
    row("glimt-", is_word, 16, GITLAB_TOKEN),
    row("glagent-", is_word, 16, GITLAB_TOKEN),
    row("_gitlab_session=", is_hex, 16, SESSION),
    row("ATATT3", is_base64, 32, TOKEN),
    row("ATBB", is_alnum, 24, TOKEN),
    row("AKIA", is_capital, 12, CLOUD_KEY),
    row("ASIA", is_capital, 12, CLOUD_KEY),
    row("ABIA", is_capital, 12, CLOUD_KEY),
    row("ACCA", is_capital, 12, CLOUD_KEY),
    row("ABSK", is_base64, 80, CLOUD_KEY),
    row("AIza", is_word, 30, CLOUD_KEY),
    row("GOCSPX-", is_word, 16, CLOUD_KEY),
    row("ya29.", is_dotted, 16, CLOUD_KEY),
    row("1//", is_word, 30, CLOUD_KEY),
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
    row("dp.st.", is_dotted, 16, TOKEN),
    row("dp.ct.", is_alnum, 16, TOKEN),
    row("dp.sa.", is_alnum, 16, TOKEN),
    row("dp.scim.", is_alnum, 16, TOKEN),
    row("dp.audit.", is_alnum, 16, TOKEN),
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
    row("sk-lf-", is_word, 16, AI_KEY),
    row("lsv2_pt_", is_underscored, 16, AI_KEY),
    row("lsv2_sk_", is_underscored, 16, AI_KEY),
    row("tvly-", is_word, 16, AI_KEY),
    row("fw_", is_alnum, 20, AI_KEY),
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
    row("xoxb-", is_word, 16, CHAT_TOKEN),
    row("xoxp-", is_word, 16, CHAT_TOKEN),
    row("xoxa-", is_word, 16, CHAT_TOKEN),
    row("xoxr-", is_word, 16, CHAT_TOKEN),
    row("xoxs-", is_word, 16, CHAT_TOKEN),
    row("xoxe-", is_word, 16, CHAT_TOKEN),
    row("xoxe.", is_dotted, 16, CHAT_TOKEN),
    row("xapp-", is_word, 16, CHAT_TOKEN),
    path("hooks.slack.com/services/", 16, WEBHOOK),
    path("hooks.slack.com/workflows/", 16, WEBHOOK),
    path("hooks.slack.com/triggers/", 16, WEBHOOK),
    path("discord.com/api/webhooks/", 16, WEBHOOK),
    path("discordapp.com/api/webhooks/", 16, WEBHOOK),
    path("webhook.office.com/webhookb2/", 16, WEBHOOK),
    row("SG.", is_dotted, 32, MAIL_KEY),
    row("SK", is_hex, 32, API_KEY),
    row("key-", is_hex, 32, MAIL_KEY),
    row("xkeysib-", is_word, 16, MAIL_KEY),
    row("xsmtpsib-", is_word, 16, MAIL_KEY),
    row("sk_prod_", is_alnum, 10, PAYMENT_KEY),
    row("rk_prod_", is_alnum, 10, PAYMENT_KEY),
    row("sk_live_", is_alnum, 10, PAYMENT_KEY),
    row("sk_test_", is_alnum, 10, PAYMENT_KEY),
    row("rk_live_", is_alnum, 10, PAYMENT_KEY),
    row("rk_test_", is_alnum, 10, PAYMENT_KEY),
    row("whsec_", is_base64, 16, PAYMENT_KEY),
    row("sq0atp-", is_word, 16, PAYMENT_KEY),
    row("sq0csp-", is_word, 16, PAYMENT_KEY),
    row("EAAA", is_word, 40, PAYMENT_KEY),
    row("EAA", is_alnum, 80, TOKEN),
    row("EZAK", is_alnum, 50, API_KEY),
    row("EZTK", is_alnum, 50, API_KEY),
    row("shippo_live_", is_hex, 16, PAYMENT_KEY),
    row("shippo_test_", is_hex, 16, PAYMENT_KEY),
    row("duffel_live_", is_word, 16, PAYMENT_KEY),
    row("duffel_test_", is_word, 16, PAYMENT_KEY),
    row("FLWSECK", is_word, 16, PAYMENT_KEY),
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
    row("A3-", is_capital_dashed, 26, SECRET),
    row("eyJhdXRo", is_base64, 16, CREDENTIALS),
    row("lin_oauth_", is_alnum, 16, TOKEN),
    row("sgp_", is_underscored, 24, TOKEN),
    row("slk_", is_hex, 40, TOKEN),
    row("nfp_", is_alnum, 32, TOKEN),
    row("tfp_", is_base64_dotted, 40, TOKEN),
    row("rdme_", is_alnum, 32, API_KEY),
    row("pnu_", is_alnum, 24, API_KEY),
    row("CFPAT-", is_word, 24, TOKEN),
    row("CLOJARS_", is_alnum, 24, PACKAGE_TOKEN),
    row("fio-u-", is_word, 32, TOKEN),
    row("p8e-", is_hex, 32, SECRET),
    row("s-s4t2ud-", is_hex, 32, SECRET),
    row("s-s4t2af-", is_hex, 32, SECRET),
    row("AKCp", is_alnum, 40, PACKAGE_TOKEN),
    row("cmVmdGtu", is_base64, 40, PACKAGE_TOKEN),
    row("sm_aat_", is_alnum, 16, TOKEN),
    row("sm_pat_", is_alnum, 16, TOKEN),
    row("sm_sat_", is_alnum, 16, TOKEN),
    row("sqp_", is_hex, 32, TOKEN),
    row("squ_", is_hex, 32, TOKEN),
    row("sqa_", is_hex, 32, TOKEN),
    row("tk-us-", is_word, 32, TOKEN),
    row("secret_", is_alnum, 32, SECRET),
    row("NRII-", is_word, 24, API_KEY),
    row("AQVN", is_word, 30, API_KEY),
    row("t1.9", is_base64_dotted, 60, TOKEN),
    row("sk.eyJ", is_dotted, 40, TOKEN),
    row("AGE-SECRET-KEY-1", is_alnum, 16, PRIVATE_KEY),
    row("ccpk_", is_word, 16, API_KEY),
];

impl Token {
    /// Adds the token whose prefix begins at `start`, if it is one.
    pub(crate) fn find(&self, text: &str, start: usize, spans: &mut Spans<'_>) {
        let bytes = text.as_bytes();
        let body = start + self.prefix.len();
        if spans.covers(start) || &bytes[start..body] != self.prefix.as_bytes() {
            return;
        }
        if !self.keeps_prefix && (!starts_a_word(bytes, start) || self.is_word_like() && is_in_base64(bytes, start)) {
            return;
        }
        let probed = trim_dots(bytes, probe(bytes, body, self.body));
        if probed < body + self.body_bytes_min || !self.accepts(&bytes[body..probed]) {
            return;
        }
        let end = trim_dots(bytes, run(bytes, probed, self.body));
        let from = if self.keeps_prefix { body } else { start };
        spans.add_by_format(from, end, self.kind);
        if self.kind == CLOUD_KEY && end - start == KEY_ID_BYTES {
            find_secret_beside(bytes, end, spans);
        }
    }

    /// Whether the prefix may stand in base64.
    fn is_word_like(&self) -> bool {
        self.prefix.bytes().all(is_alnum)
    }

    /// Whether a body is no word. One of capitals only has all its letters to tell it from a word, so it needs its full length.
    fn accepts(&self, body: &[u8]) -> bool {
        let is_whole_key_id = body.len() + self.prefix.len() == KEY_ID_BYTES && distinct(body) >= 8;
        looks_generated(body) || takes_turns(body) || self.kind == CLOUD_KEY && is_whole_key_id && body.iter().all(u8::is_ascii_uppercase)
    }
}

/// Whether a place behind `+` or `/` is in the midst of base64, and no path.
fn is_in_base64(bytes: &[u8], at: usize) -> bool {
    let is_digit = |byte: u8| is_alnum(byte) || matches!(byte, b'+' | b'/');
    matches!(byte_before(bytes, at), b'+' | b'/') && looks_random(&bytes[run_back(bytes, at, 16, is_digit)..at])
}

/// Length of an AWS key id, and of the secret that belongs to it.
const KEY_ID_BYTES: usize = 20;
const KEY_SECRET_BYTES: usize = 40;

/// How far behind its key id an AWS secret is looked for, in bytes.
const BESIDE_BYTES: usize = 128;

/// Adds the AWS secret behind a key id. It has no prefix: 40 characters of base64 that are no hash in hex.
fn find_secret_beside(bytes: &[u8], key_end: usize, spans: &mut Spans<'_>) {
    let is_secret = |byte: u8| is_alnum(byte) || matches!(byte, b'+' | b'/');
    let max = bytes.len().min(key_end + BESIDE_BYTES);
    let mut at = key_end;
    while at < max {
        let end = run(&bytes[..bytes.len().min(max + KEY_SECRET_BYTES)], at, is_secret);
        let value = &bytes[at..end];
        if value.len() == KEY_SECRET_BYTES && !value.iter().all(u8::is_ascii_hexdigit) && looks_random(value) {
            spans.add_by_format(at, end, CLOUD_KEY);
            return;
        }
        at = end + 1;
    }
}

fn trim_dots(bytes: &[u8], mut end: usize) -> usize {
    while byte_before(bytes, end) == b'.' {
        end -= 1;
    }
    end
}

/// A JSON web token: dotted base64url parts, the first of which is a JSON object.
pub(crate) fn find_jwt(text: &str, start: usize, _: usize, spans: &mut Spans<'_>) {
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
pub(crate) fn find_azure_secret(text: &str, start: usize, end: usize, spans: &mut Spans<'_>) {
    let bytes = text.as_bytes();
    let is_body = |byte| is_dotted(byte) || byte == b'~';
    if start < 4 || !bytes[start - 1].is_ascii_digit() || spans.covers(start) {
        return;
    }
    let last = probe(bytes, end, is_body);
    if last >= end + 31 && looks_generated(&bytes[end..last]) && starts_a_word(bytes, start - 4) {
        spans.add_by_format(start - 4, trim_dots(bytes, run(bytes, last, is_body)), SECRET);
    }
}

/// Skips the digits of an escape such as `%22` or `\u0022`, which are no part of what follows.
fn skip_escape(bytes: &[u8], first: usize) -> usize {
    match &bytes[first.saturating_sub(2)..first] {
        [b'\\', b'u'] => first + 4,
        [.., b'%'] | [b'\\', b'x'] => first + 2,
        _ => first,
    }
}

/// A Telegram bot token: 8 to 10 digits, a colon, and 35 characters that begin with `A`, mostly `AA`.
pub(crate) fn find_telegram(text: &str, start: usize, _: usize, spans: &mut Spans<'_>) {
    let bytes = text.as_bytes();
    let first = skip_escape(bytes, run_back(bytes, start, 14, |byte| byte.is_ascii_digit()));
    if !(8..=10).contains(&start.saturating_sub(first)) || bytes[start + 1] != b'A' || spans.covers(start) {
        return;
    }
    let last = probe(bytes, start + 1, is_word);
    let length_min = if byte(bytes, start + 2) == b'A' { 20 } else { 35 };
    if last > start + length_min && looks_generated(&bytes[start + 1..last]) {
        spans.add_by_format(first, run(bytes, last, is_word), CHAT_TOKEN);
    }
}

/// An Airtable token: `pat`, 14 characters, a dot, and 64 hex digits.
pub(crate) fn find_airtable(text: &str, start: usize, end: usize, spans: &mut Spans<'_>) {
    let bytes = text.as_bytes();
    if byte(bytes, end + 14) != b'.' || !starts_a_word(bytes, start) || !bytes[end..end + 14].iter().all(u8::is_ascii_alphanumeric) {
        return;
    }
    let last = probe(bytes, end + 15, is_hex);
    if last >= end + 15 + 16 && looks_generated(&bytes[end + 15..last]) {
        spans.add_by_format(start, last, TOKEN);
    }
}

/// An old token of Vault: `s.` and 24 letters and digits.
pub(crate) fn find_vault(text: &str, start: usize, end: usize, spans: &mut Spans<'_>) {
    let bytes = text.as_bytes();
    if bytes[start] != b's' || !starts_a_word(bytes, start) {
        return;
    }
    let last = probe(bytes, end, is_alnum);
    if last == end + 24 && bytes[end..last].iter().any(u8::is_ascii_digit) && looks_random(&bytes[end..last]) {
        spans.add_by_format(start, last, TOKEN);
    }
}

/// A token of Terraform Cloud: 14 characters, `.atlasv1.`, and 60 or more.
pub(crate) fn find_atlas(text: &str, start: usize, end: usize, spans: &mut Spans<'_>) {
    let bytes = text.as_bytes();
    let first = run_back(bytes, start, 14, is_alnum);
    let last = probe(bytes, end, is_word);
    if start - first >= 8 && last >= end + 16 && looks_generated(&bytes[end..last]) {
        spans.add_by_format(first, run(bytes, last, is_word), TOKEN);
    }
}

/// How the base64 of a number of 17 to 19 digits begins, in lower case: the id of an account of Discord.
pub(crate) const DISCORD_IDS: &[&str] = &["mt", "mj", "mz", "nd", "nt", "nj", "nz", "od", "ot"];

/// A token of a Discord bot: its id in base64, a dot, 6 characters, a dot, and 27 or more.
pub(crate) fn find_discord(text: &str, start: usize, end: usize, spans: &mut Spans<'_>) {
    let bytes = text.as_bytes();
    if !bytes[start].is_ascii_uppercase()
        || !matches!(byte(bytes, end), b'A' | b'E' | b'I' | b'M' | b'Q' | b'U' | b'Y' | b'c' | b'g' | b'k')
    {
        return;
    }
    let id = probe(bytes, start, is_alnum);
    let time = probe(bytes, id + 1, is_word);
    let last = probe(bytes, time + 1, is_word);
    let has_shape = (22..=28).contains(&(id - start)) && (5..=7).contains(&(time.saturating_sub(id + 1))) && last >= time + 1 + 25;
    if has_shape && byte(bytes, id) == b'.' && byte(bytes, time) == b'.' && starts_a_word(bytes, start) {
        spans.add_by_format(start, last, CHAT_TOKEN);
    }
}

/// A Mailchimp key: 32 hex digits, `-us`, and the number of a data centre.
pub(crate) fn find_mailchimp(text: &str, start: usize, end: usize, spans: &mut Spans<'_>) {
    let bytes = text.as_bytes();
    let first = skip_escape(bytes, run_back(bytes, start, 37, is_hex));
    let last = run(bytes, end, |byte| byte.is_ascii_digit());
    if start.saturating_sub(first) == 32 && last > end && looks_generated(&bytes[first..start]) {
        spans.add_by_format(first, last, MAIL_KEY);
    }
}

/// A password hash in the form of `crypt`.
pub(crate) fn find_crypt(text: &str, start: usize, end: usize, spans: &mut Spans<'_>) {
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
