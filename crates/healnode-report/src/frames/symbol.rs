//! Names of functions in C and C++, demangled or not, without what differs between two builds or two tools.
//!
//! Arguments, template arguments, return types, clones, versions and tags go; the three spellings of a lambda become one. Classes,
//! namespaces and operators stay. Demangles no more than plain nested names, which is what `backtrace()` leaves to its reader.

use std::borrow::Cow;

/// The name of a function as it is called.
pub(super) fn name(call: &str) -> Cow<'_, str> {
    let call = call.split(" [clone").next().unwrap_or(call);
    if let Some(demangled) = demangle(call) {
        return Cow::Owned(demangled);
    }
    let is_plain = |byte: u8| byte.is_ascii_alphanumeric() || byte == b'_' || byte == b':';
    let end = call.bytes().position(|byte| !is_plain(byte)).unwrap_or(call.len());
    let rest = &call[end..];
    if call.starts_with(['+', '-']) {
        return Cow::Borrowed(call);
    }
    if !call[..end].ends_with("operator") && (rest.is_empty() || rest.starts_with(" (") || rest.starts_with('(') && is_plain_call(rest)) {
        return Cow::Borrowed(&call[..end]);
    }
    Cow::Owned(without_clones(&bare(call)))
}

/// Whether arguments end a call, so that no lambda or qualifier follows.
fn is_plain_call(rest: &str) -> bool {
    !rest.contains("::") && !rest.starts_with("(anonymous")
}

/// A name without arguments, template arguments, return type, and qualifiers.
fn bare(call: &str) -> String {
    let mut out = String::with_capacity(call.len().min(256));
    let mut rest = call;
    while let Some(character) = rest.chars().next() {
        if let Some(after) = rest.strip_prefix("operator") {
            let symbols = after.find(|c: char| c.is_alphanumeric() || c == '_' || c == ' ').unwrap_or(after.len());
            let symbols = if after.starts_with("()") { 2 } else { after[..symbols].find('(').unwrap_or(symbols) };
            out.push_str("operator");
            out.push_str(&after[..symbols]);
            rest = &after[symbols..];
            continue;
        }
        match character {
            '(' if rest.starts_with("(anonymous namespace)") || rest.starts_with("(anonymous class)") => {}
            '(' | '<' | '{' | '\'' if is_lambda(rest) => {
                out.push_str("{lambda}");
                rest = behind_brackets(rest);
                continue;
            }
            '(' | '<' | '{' | '[' => {
                rest = behind_brackets(rest);
                continue;
            }
            '$' if rest.starts_with("$_") => {
                out.push_str("{lambda}");
                rest = rest[2..].trim_start_matches(|c: char| c.is_ascii_digit());
                continue;
            }
            ' ' if is_end(rest) => break,
            ' ' | '*' | '&' => out.clear(),
            '@' | '`' => break,
            '\'' => {}
            _ => {}
        }
        if character == '(' {
            rest = behind_brackets(rest);
        } else {
            if !matches!(character, ' ' | '*' | '&' | '\'') {
                out.push(character);
            }
            rest = &rest[character.len_utf8()..];
        }
    }
    tidy(&out)
}

fn is_lambda(rest: &str) -> bool {
    ["{lambda", "<lambda", "'lambda", "(lambda"].iter().any(|mark| rest.starts_with(mark))
}

/// Whether a blank begins what follows a name: arguments of gdb, a qualifier, or a place.
fn is_end(rest: &str) -> bool {
    [" (", " const", " volatile", " noexcept", " at ", " /", " +", " ["].iter().any(|mark| rest.starts_with(mark))
        && !rest.starts_with(" (anonymous")
}

/// What follows the brackets that a text begins with, or nothing when they stay open.
fn behind_brackets(text: &str) -> &str {
    let open = text.as_bytes().first().copied().unwrap_or_default();
    let close = match open {
        b'(' => b')',
        b'<' => b'>',
        b'{' => b'}',
        b'[' => b']',
        other => other,
    };
    let mut depth = 0_usize;
    let mut before = 0;
    for (at, byte) in text.bytes().enumerate() {
        let is_arrow = byte == b'>' && before == b'-';
        before = byte;
        if byte == close && !is_arrow && (depth > 0 || close != open) {
            depth = depth.saturating_sub(1);
            if depth == 0 {
                return &text[at + 1..];
            }
        } else if byte == open {
            depth += 1;
        }
    }
    ""
}

/// A name without doubled colons at its ends and without the call of a lambda.
fn tidy(name: &str) -> String {
    let mut out = String::with_capacity(name.len());
    let mut is_in_lambda = false;
    for part in name.split("::").filter(|part| !part.is_empty()) {
        if is_in_lambda && part == "operator()" {
            continue;
        }
        is_in_lambda = part == "{lambda}";
        if !out.is_empty() {
            out.push_str("::");
        }
        out.push_str(part);
    }
    out
}

/// A name without the suffixes of copies that the optimiser made.
fn without_clones(name: &str) -> String {
    let clones = [".isra", ".part", ".constprop", ".cold", ".lto_priv", ".llvm", ".localalias", ".resolver"];
    let end = clones.iter().filter_map(|clone| name.find(clone)).min().unwrap_or(name.len());
    name[..end].to_owned()
}

/// The plain parts of a mangled name: `_ZN4Cart3addEi` is `Cart::add`. `None` for what is not mangled or has no plain part.
fn demangle(symbol: &str) -> Option<String> {
    let rest = symbol.strip_prefix("_Z")?;
    let is_nested = rest.starts_with('N');
    let mut rest = rest.trim_start_matches(['N', 'K', 'L']);
    let mut out = String::new();
    loop {
        let digits = rest.bytes().take(4).take_while(u8::is_ascii_digit).count();
        let Ok(length) = rest[..digits].parse::<usize>() else {
            break;
        };
        let Some(part) = rest.get(digits..digits + length) else {
            break;
        };
        rest = &rest[digits + length..];
        let is_hash = part.len() == 17 && part.starts_with('h') && part[1..].bytes().all(|byte| byte.is_ascii_hexdigit());
        if !is_hash && part != "_GLOBAL__N_1" {
            if !out.is_empty() {
                out.push_str("::");
            }
            out.push_str(part);
        }
        if !is_nested {
            break;
        }
    }
    (!out.is_empty()).then_some(out)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_is_what_the_source_calls_it() {
        for (call, bare) in [
            ("add", "add"),
            ("add (id=5)", "add"),
            ("Cart::add(int, char const*)", "Cart::add"),
            ("Cart<int>::add (this=0x5)", "Cart::add"),
            ("void shop::apply<std::vector<int>, int>(std::vector<int>&, int)", "shop::apply"),
            ("std::unique_ptr<Cart> shop::make<Cart>()", "shop::make"),
            ("shop::(anonymous namespace)::helper(int)", "shop::helper"),
            ("Cart::operator()(int) const", "Cart::operator()"),
            ("operator<<(std::ostream&, Cart const&)", "operator<<"),
            ("Cart::operator-> (this=0x1)", "Cart::operator->"),
            ("run()::{lambda(int)#1}::operator()(int) const", "run::{lambda}"),
            ("run()::$_0::operator()(int) const", "run::{lambda}"),
            ("run()::'lambda'(int)::operator()(int) const", "run::{lambda}"),
            ("run()::<lambda(int)>::operator()(int) const (__closure=0x7f)", "run::{lambda}"),
            ("add.isra.0 (id=5)", "add"),
            ("add(int) [clone .cold]", "add"),
            ("memcpy@@GLIBC_2.14", "memcpy"),
            ("name[abi:cxx11](int)", "name"),
            ("_ZN4Cart3addEi", "Cart::add"),
            ("_ZN12_GLOBAL__N_13addEi", "add"),
            ("_Z3addi", "add"),
            ("_ZN4shop3add17h0123456789abcdefE", "shop::add"),
            ("+0x1d", "+0x1d"),
            ("-[Cart addItem:]", "-[Cart addItem:]"),
        ] {
            assert_eq!(name(call), bare, "{call}");
        }
    }
}
