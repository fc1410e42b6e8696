//! Who owns a file, by the repository's CODEOWNERS: the last line whose pattern fits.
//!
//! Patterns are git's for ignored files, without negation and character classes, as GitHub reads them. Knows nothing of files or commits.

/// Where a CODEOWNERS file may lie, in the order in which GitHub looks.
pub(crate) const OWNERS_FILES: [&str; 3] = [".github/CODEOWNERS", "CODEOWNERS", "docs/CODEOWNERS"];

/// Returns the owners of a file as written, or nobody.
pub(crate) fn owners(codeowners: &str, path: &str) -> Vec<String> {
    let lines = codeowners
        .lines()
        .map(|line| line.split('#').next().unwrap_or("").trim())
        .filter(|line| !line.is_empty() && !line.starts_with('['));
    let rules = lines.map(|line| line.split_whitespace().collect::<Vec<&str>>());
    let last = rules.rev().find(|words| words.first().is_some_and(|pattern| fits(pattern, path)));
    last.map(|words| words[1..].iter().map(|owner| (*owner).to_owned()).collect()).unwrap_or_default()
}

/// Whether a pattern is of a file, or of a folder that it lies in.
fn fits(pattern: &str, path: &str) -> bool {
    let is_anchored = pattern.trim_end_matches('/').contains('/');
    let is_folder = pattern.ends_with('/');
    let wanted: Vec<&str> = pattern.trim_matches('/').split('/').collect();
    let parts: Vec<&str> = path.split('/').collect();
    let starts = if is_anchored { 0..1 } else { 0..parts.len() };
    // Of `docs/*` only the files right in the folder are meant.
    let is_whole = wanted.len() > 1 && wanted.last() == Some(&"*");
    starts.into_iter().any(|start| {
        let ends = if is_whole { parts.len()..parts.len() + 1 } else { start + 1..parts.len() + usize::from(!is_folder) };
        ends.into_iter().any(|end| parts_fit(&wanted, &parts[start..end]))
    })
}

fn parts_fit(wanted: &[&str], parts: &[&str]) -> bool {
    match (wanted, parts) {
        ([], []) => true,
        (["**", rest @ ..], _) => (0..=parts.len()).any(|taken| parts_fit(rest, &parts[taken..])),
        ([first, rest @ ..], [part, others @ ..]) => part_fits(first.as_bytes(), part.as_bytes()) && parts_fit(rest, others),
        ([], [_, ..]) | ([_, ..], []) => false,
    }
}

/// Whether one name fits one pattern with `*` and `?`, in time linear in their product.
fn part_fits(pattern: &[u8], name: &[u8]) -> bool {
    let (mut at, mut star, mut index, mut retry) = (0, None, 0, 0);
    while index < name.len() {
        if pattern.get(at).is_some_and(|byte| *byte == b'?' || (*byte == name[index] && *byte != b'*')) {
            (at, index) = (at + 1, index + 1);
        } else if pattern.get(at) == Some(&b'*') {
            (star, retry) = (Some(at), index);
            at += 1;
        } else if let Some(star) = star {
            retry += 1;
            (at, index) = (star + 1, retry);
        } else {
            return false;
        }
    }
    pattern[at..].iter().all(|byte| *byte == b'*')
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn patterns_are_read_as_github_reads_them() {
        for (pattern, path, expected) in [
            ("*", "a/b.py", true),
            ("*.py", "a/b.py", true),
            ("*.py", "a/b.js", false),
            ("/src/", "src/a/b.py", true),
            ("/src/", "lib/src/b.py", false),
            ("apps/", "x/apps/y.py", true),
            ("apps/", "apps", false),
            ("docs/*", "docs/a.md", true),
            ("docs/*", "docs/b/a.md", false),
            ("**/logs", "x/y/logs/z.py", true),
            ("/a/**/z.py", "a/b/c/z.py", true),
            ("/a/**/z.py", "a/z.py", true),
            ("src", "src/a.py", true),
            ("a?.py", "ab.py", true),
            ("inventory.py", "shop/inventory.py", true),
            ("shop/inventory.py", "old/shop/inventory.py", false),
        ] {
            assert_eq!(fits(pattern, path), expected, "{pattern} {path}");
        }
    }

    #[test]
    fn the_last_line_that_fits_decides_also_when_it_names_nobody() {
        let file = "# all\n* @all\n[Section]\n*.py @python @acme/core # people\n/free/\n";
        assert_eq!(owners(file, "a.py"), ["@python", "@acme/core"]);
        assert_eq!(owners(file, "a.js"), ["@all"]);
        assert_eq!(owners(file, "free/a.py"), Vec::<String>::new());
        assert_eq!(owners("", "a.py"), Vec::<String>::new());
    }
}
