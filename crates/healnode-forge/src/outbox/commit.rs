//! A commit as a stream for `git fast-import`, which puts it on its branch in any clone that has its base.
//!
//! A folder has no repository, so there is nothing to make a patch against; the stream has the whole of each changed file, of any kind.

use healnode_core::{Publication, UnixMillis};

use super::page::one_line;

/// Writes the stream. `base` is left out when it is no full name of a commit.
pub(super) fn stream(publication: &Publication, bot: &str) -> Vec<u8> {
    let person = format!("healnode <{}@healnode.invalid> {} +0000", address_part(bot), seconds(publication.at));
    let mut stream = format!("commit refs/heads/{}\nauthor {person}\ncommitter {person}\n", publication.branch).into_bytes();
    data(&mut stream, publication.message.as_bytes());
    if publication.base.len() >= 40 && publication.base.bytes().all(|byte| byte.is_ascii_hexdigit()) {
        stream.extend(format!("from {}\n", publication.base).bytes());
    }
    for change in &publication.changes {
        let path = quoted(&change.path);
        match &change.content {
            Some(content) => {
                let mode = if change.executable { "100755" } else { "100644" };
                stream.extend(format!("M {mode} inline {path}\n").bytes());
                data(&mut stream, content);
            }
            None => stream.extend(format!("D {path}\n").bytes()),
        }
    }
    stream.extend(b"\ndone\n");
    stream
}

fn data(stream: &mut Vec<u8>, content: &[u8]) {
    stream.extend(format!("data {}\n", content.len()).bytes());
    stream.extend(content);
    stream.push(b'\n');
}

fn seconds(at: UnixMillis) -> u64 {
    at.0 / 1000
}

/// Control characters and backslashes never get here: such a path is refused.
fn quoted(path: &str) -> String {
    format!("\"{}\"", path.replace('"', "\\\""))
}

fn address_part(bot: &str) -> String {
    one_line(bot).chars().filter(char::is_ascii_alphanumeric).collect()
}

#[cfg(test)]
mod tests {
    use healnode_core::{FileChange, IssueNumber};

    use super::*;

    #[test]
    fn a_commit_is_written_as_git_reads_it() {
        let change = |path: &str, content: Option<&[u8]>, executable| FileChange {
            path: path.to_owned(),
            content: content.map(<[u8]>::to_vec),
            executable,
        };
        let publication = Publication {
            number: IssueNumber(2),
            branch: "auto-fix/issue-1-x".to_owned(),
            expected: String::new(),
            base: "b".repeat(40),
            changes: vec![change("a \"b\".py", Some(b"x\n"), false), change("run", Some(&[0xff]), true), change("old", None, false)],
            message: "Fix\n".to_owned(),
            at: UnixMillis(1_800_000_000_999),
            body: String::new(),
        };
        let person = "healnode <12D3@healnode.invalid> 1800000000 +0000";
        let mut expected = format!(
            "commit refs/heads/auto-fix/issue-1-x\nauthor {person}\ncommitter {person}\ndata 4\nFix\n\nfrom {}\nM 100644 inline \"a \\\"b\\\".py\"\ndata 2\nx\n\nM 100755 inline \"run\"\ndata 1\n",
            "b".repeat(40)
        )
        .into_bytes();
        expected.extend(b"\xff\nD \"old\"\n\ndone\n");
        assert_eq!(stream(&publication, "12D3<>\n"), expected);
    }
}
