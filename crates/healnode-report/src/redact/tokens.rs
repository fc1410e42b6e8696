//! Secrets that their own format betrays.
//!
//! Prefixes and lengths are the issuers' public ones. A length is a lower bound, and lower than what is issued: issuers lengthen
//! tokens, and logs cut them. A new kind of token is one more row.

use super::kind::{
    AI_KEY, API_KEY, CHAT_TOKEN, CLOUD_KEY, CREDENTIALS, GITHUB_TOKEN, GITLAB_TOKEN, Kind, MAIL_KEY, PACKAGE_TOKEN, PASSWORD, PAYMENT_KEY,
    PRIVATE_KEY, SECRET, SESSION, TOKEN, WEBHOOK,
};
use super::scan::{
    byte_before, distinct, is_base64, is_word, looks_generated, looks_random, probe, run, run_back, starts_a_word, takes_turns,
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

/// Letters and digits.
pub(crate) fn is_alnum(byte: u8) -> bool {
    byte.is_ascii_alphanumeric()
}

/// Digits of either case.
pub(crate) fn is_hex(byte: u8) -> bool {
    byte.is_ascii_hexdigit()
}

/// Letters, digits, `_`, `-` and `.`.
pub(crate) fn is_dotted(byte: u8) -> bool {
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

/// Where a token ends that full stops follow.
pub(crate) fn trim_dots(bytes: &[u8], mut end: usize) -> usize {
    while byte_before(bytes, end) == b'.' {
        end -= 1;
    }
    end
}
