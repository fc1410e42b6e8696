//! Takes out of an error type what a compiler or a runtime made up: numbers of lambdas and anonymous classes, hashes, addresses.
//!
//! Names stay as they are, digits and all. The message's half is `scanner`.

use super::class::{byte, byte_before, from, is_digit, is_hex, is_word, run};

/// Names that a library puts behind a `$` when it makes a class of another at run time. All that follows is made up.
const MADE_BY: &[&str] = &["HibernateProxy$", "ByteBuddy$", "MockitoMock$", "Proxy$_$$", "Lambda$", "Lambda/"];

/// How often a type is gone through, at most, until it no longer changes: what is taken out may bring two marks together.
const PASSES_MAX: usize = 4;

/// Replaces what is generated in an error type by nothing. Total on any text, and idempotent.
pub(crate) fn normalise_type(error_type: &str) -> String {
    let mut normalised = pass(error_type);
    for _ in 1..PASSES_MAX {
        let next = pass(&normalised);
        if next.len() == normalised.len() {
            break;
        }
        normalised = next;
    }
    normalised
}

fn pass(text: &str) -> String {
    let bytes = text.as_bytes();
    let mut out = String::with_capacity(text.len());
    let mut copied = 0;
    let mut at = 0;
    while at < bytes.len() {
        match generated_end(bytes, at) {
            Some(end) => {
                out.push_str(&text[copied..at]);
                out.truncate(out.trim_end_matches([' ', ':', '/', '+', '_']).len());
                (at, copied) = (end, end);
            }
            None => at += 1,
        }
    }
    out.push_str(&text[copied..]);
    out.trim().to_owned()
}

/// End of the generated part that begins at `at`.
fn generated_end(bytes: &[u8], at: usize) -> Option<usize> {
    let rest = from(bytes, at + 1);
    match bytes[at] {
        b'$' if rest.first() == Some(&b'$') || MADE_BY.iter().any(|row| rest.starts_with(row.as_bytes())) => Some(name_end(bytes, at)),
        b'$' => counter_end(bytes, at + 1),
        b'@' if rest.starts_with(b"anonymous") => None,
        b'@' => hash_end(bytes, at + 1),
        b'0' if rest.first().is_some_and(|byte| byte | 0x20 == b'x') && !is_word(byte_before(bytes, at)) => address_end(bytes, at),
        0 => Some(name_end(bytes, at)),
        b' ' if rest.starts_with(b"at 0x") => address_end(bytes, at + 4),
        _ => prefixed_end(bytes, at),
    }
}

/// The number of `$Proxy12`, `c__DisplayClass4_0`, `AnonymousType7`.
fn prefixed_end(bytes: &[u8], at: usize) -> Option<usize> {
    let before = &bytes[..at];
    let is_numbered =
        is_digit(bytes[at]) && ["$Proxy", "__DisplayClass", "AnonymousType"].iter().any(|row| before.ends_with(row.as_bytes()));
    is_numbered.then(|| run(bytes, at, |byte| is_digit(byte) || byte == b'_'))
}

/// The number of an anonymous class, behind its `$`.
fn counter_end(bytes: &[u8], start: usize) -> Option<usize> {
    let end = run(bytes, start, is_digit);
    (end > start && !is_word(byte(bytes, end))).then_some(end)
}

/// The hash in the default text of an object, behind its `@`.
fn hash_end(bytes: &[u8], start: usize) -> Option<usize> {
    let end = run(bytes, start, is_hex);
    (end >= start + 4 && end <= start + 16 && !is_word(byte(bytes, end)) && byte(bytes, end) != b'.').then_some(end)
}

fn address_end(bytes: &[u8], start: usize) -> Option<usize> {
    let end = run(bytes, start + 2, is_hex);
    (end > start + 2 && !is_word(byte(bytes, end))).then_some(end)
}

/// End of a name, made up or not: a space, a comma, or something that closes.
fn name_end(bytes: &[u8], at: usize) -> usize {
    run(bytes, at, |byte| !matches!(byte, b' ' | b',' | b')' | b']' | b'>' | b';'))
}

#[cfg(test)]
mod tests {
    use super::normalise_type;

    fn check(error_type: &str, expected: &str) {
        assert_eq!(normalise_type(error_type), expected, "{error_type:?}");
        assert_eq!(normalise_type(expected), expected, "{error_type:?}, again");
    }

    #[test]
    fn names_stay() {
        for name in [
            "ValueError",
            "java.util.NoSuchElementException",
            "std::io::Error",
            "Illuminate\\Database\\QueryException",
            "*errors.errorString",
            "Outer$Inner",
            "List`1",
            "H2Error",
            "Error [ERR_HTTP2_STREAM_ERROR]",
            "<T as Trait>::E",
            "class@anonymous",
        ] {
            check(name, name);
        }
    }

    #[test]
    fn generated_parts_go() {
        check("com.shop.Price$$EnhancerBySpringCGLIB$$1a2b3c", "com.shop.Price");
        check("com.shop.Stock$$SpringCGLIB$$0", "com.shop.Stock");
        check("com.shop.Cart$$Lambda$14/0x0000000800c03000", "com.shop.Cart");
        check("com.shop.Cart$$Lambda/0x0000000800c03000@1b2c3d4e", "com.shop.Cart");
        check("com.shop.Cart$HibernateProxy$aB3dE5", "com.shop.Cart");
        check("com.shop.Cart_$$_jvst4f2_0", "com.shop.Cart");
        check("jdk.proxy2.$Proxy237", "jdk.proxy2.$Proxy");
        check("com.shop.Cart$1", "com.shop.Cart");
        check("com.shop.Cart$Row$2", "com.shop.Cart$Row");
        check("java.lang.Object@3ac9f01e", "java.lang.Object");
        check("#<Cart:0x000056e1d9b2c3a9>", "#<Cart>");
        check("<Cart object at 0x7f00aa11>", "<Cart object>");
        check("class@anonymous\0/srv/shop/Cart.php:12$0", "class@anonymous");
        check("Shop.Cart+<>c__DisplayClass4_0", "Shop.Cart+<>c__DisplayClass");
    }
}
