//! Names of script files: a bundle without its content hash, a compiled module by the name of its source.
//!
//! Decides by the name alone whether a file is a bundle, and whether it is one of other people's code. Directories are judged in
//! `javascript.rs`.

use std::borrow::Cow;

use super::text::{base_name, is_number, last_component, lower};

/// What the name of a script file says.
pub(super) struct ScriptFile<'a> {
    /// The name in lower case, without query, fragment and content hash. All dialects end in `.js`.
    pub(super) name: Cow<'a, str>,
    /// Whether a bundler wrote it, so that short names in it are of its making.
    pub(super) is_bundle: bool,
    /// Whether a bundler put packages into it, or a library is served under this name.
    pub(super) is_library: bool,
}

/// Reads the name of the file that a path or an address ends in.
pub(super) fn file_name(path: &str) -> ScriptFile<'_> {
    let whole = path;
    let path = path.split(['?', '#']).next().unwrap_or(path);
    let name = last_component(path);
    let (stem, ending) = split_ending(name);
    let is_served = path.contains("://") && !path.starts_with("file:") && !path.starts_with("webpack");
    let hashed = without_hashes(stem, is_served);
    let is_bundle = hashed.is_some() || is_packed(stem) || ending.ends_with("bundle");
    let stem = hashed.map_or(Cow::Borrowed(stem), Cow::Owned);
    let is_library = is_bundle && is_of_packages(&stem) || is_library(&stem);
    let is_source = matches!(ending, ".ts" | ".tsx" | ".jsx" | ".mjs" | ".cjs" | ".mts" | ".cts");
    let name = if is_source || is_bundle && ending == ".js" {
        Cow::Owned(format!("{}.js", lower(&stem)))
    } else if whole.len() == path.len() && matches!(stem, Cow::Borrowed(_)) {
        base_name(path)
    } else {
        Cow::Owned(format!("{}{ending}", lower(&stem)))
    };
    ScriptFile { name, is_bundle, is_library }
}

fn split_ending(name: &str) -> (&str, &str) {
    name.rfind('.').filter(|at| *at > 0).map_or((name, ""), |at| name.split_at(at))
}

/// Whether the name of a bundle says that it is one.
fn is_packed(stem: &str) -> bool {
    stem.contains(['.', '-']) && [".min", ".bundle", ".chunk", "-bundle", ".prod"].iter().any(|ending| stem.ends_with(ending))
        || is_number(stem)
}

/// A stem without the parts that are content hashes. A stem that is nothing but a hash or a chunk's number is `chunk`.
fn without_hashes(stem: &str, is_served: bool) -> Option<String> {
    if !is_served && !stem.bytes().any(|byte| byte.is_ascii_digit()) {
        return None;
    }
    let mut kept = String::with_capacity(stem.len());
    let mut is_changed = false;
    let mut rest = stem;
    let mut joint = "";
    loop {
        let end = rest.find(['.', '-', '~']).unwrap_or(rest.len());
        let part = &rest[..end];
        if is_hash(part) || is_served && is_vite_hash(part) {
            is_changed = true;
        } else {
            kept.push_str(joint);
            kept.push_str(part);
        }
        if end == rest.len() {
            break;
        }
        joint = &rest[end..=end];
        rest = &rest[end + 1..];
    }
    let kept = kept.trim_start_matches(['.', '-', '~']);
    let named = kept.trim_end_matches(".chunk");
    if is_changed && (kept.is_empty() || named == "chunk" || is_number(named)) {
        return Some("chunk".to_owned());
    }
    is_changed.then(|| kept.to_owned())
}

/// Whether a part is a content hash: hex with a digit, or letters and digits that change places.
fn is_hash(part: &str) -> bool {
    if part.len() < 6 || !part.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'_') {
        return false;
    }
    let letters = part.bytes().filter(u8::is_ascii_alphabetic).count();
    let digits = part.bytes().filter(u8::is_ascii_digit).count();
    if part.bytes().all(|byte| byte.is_ascii_hexdigit()) {
        return digits > 0 && letters > 0;
    }
    let changes = part.as_bytes().windows(2).filter(|pair| pair[0].is_ascii_digit() != pair[1].is_ascii_digit()).count();
    part.len() >= 8 && changes >= 3
}

/// Whether a part of eight letters changes between small letters and capitals like chance does, not like names in camel case.
fn is_vite_hash(part: &str) -> bool {
    let changes = part.as_bytes().windows(2).filter(|pair| pair[0].is_ascii_uppercase() != pair[1].is_ascii_uppercase()).count();
    let is_mixed = changes >= 4 || changes >= 2 && part.bytes().any(|byte| byte.is_ascii_digit());
    part.len() == 8 && part.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'_') && is_mixed
}

/// Whether a bundler puts installed packages into a bundle of this name.
fn is_of_packages(stem: &str) -> bool {
    let first = stem.split(['.', '-', '~', '_']).next().unwrap_or(stem);
    matches!(first, "vendor" | "vendors" | "polyfill" | "polyfills" | "framework" | "runtime" | "webpack")
}

/// Whether a library is served under this name, such as `zone`, `jquery-3.6.0.min` or `react-dom.production`.
fn is_library(stem: &str) -> bool {
    matches!(stem, "jquery" | "react-dom" | "zone" | "zone-evergreen" | "lodash" | "angular")
        || stem.contains(['.', '-'])
            && ["jquery", "react-dom", "react", "vue", "angular", "lodash", "bootstrap", "zone", "ember"].iter().any(|library| {
                stem.strip_prefix(library).is_some_and(|rest| {
                    let rest = rest.strip_prefix(['.', '-']).unwrap_or_default();
                    rest.starts_with(|c: char| c.is_ascii_digit())
                        || matches!(rest, "min" | "slim.min" | "bundle.min" | "production.min" | "development")
                })
            })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_script_is_known_by_its_name_without_the_hash() {
        for (path, name) in [
            ("https://x.test/static/main.3f9a1c2b.js?v=3", "main.js"),
            ("https://x.test/static/js/main.3f9a1c2b.chunk.js", "main.chunk.js"),
            ("https://x.test/assets/index-B7x9aQ2d.js", "index.js"),
            ("https://x.test/assets/index-DkqBfGhJ.js", "index.js"),
            ("https://x.test/assets/UserCard.js", "usercard.js"),
            ("https://x.test/static/12.3f9a1c2b.chunk.js", "chunk.js"),
            ("https://x.test/static/3f9a1c2b4d.js", "chunk.js"),
            ("/srv/app/jquery.min.js", "jquery.min.js"),
            ("/srv/app/zone.es2015.js", "zone.es2015.js"),
            ("/srv/app/users.service.ts", "users.service.js"),
            ("webpack-internal:///./src/Chart.jsx", "chart.js"),
        ] {
            assert_eq!(file_name(path).name, name, "{path}");
        }
    }

    #[test]
    fn bundles_of_packages_are_libraries() {
        assert!(file_name("https://x.test/js/vendors.1be0a77c.chunk.js").is_library);
        assert!(file_name("https://x.test/js/jquery-3.6.0.min.js").is_library);
        assert!(!file_name("https://x.test/js/main.1be0a77c.chunk.js").is_library);
        assert!(!file_name("/srv/app/src/vendor.js").is_library);
        assert!(!file_name("/srv/app/src/runtime.js").is_library);
    }
}
