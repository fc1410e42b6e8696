//! What a text is written on: how wide it is, whether it knows colours, and what time it is.

use std::io::IsTerminal as _;
use std::time::{SystemTime, UNIX_EPOCH};

use healnode_node::UnixMillis;

/// A terminal or a file.
#[derive(Clone, Debug)]
pub(crate) struct Page {
    /// Columns of the terminal; nothing when it is none, and lines may have any length.
    pub(crate) width: Option<usize>,
    /// Whether it knows colours and a person wants them.
    pub(crate) colour: bool,
    /// The time, for ages.
    pub(crate) now: UnixMillis,
}

/// How a piece of text stands out.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Style {
    Plain,
    Bold,
    Dim,
    Good,
    Warn,
    Bad,
}

impl Page {
    /// Returns what standard output is.
    pub(crate) fn of_stdout() -> Self {
        let is_terminal = std::io::stdout().is_terminal();
        let width = terminal_size::terminal_size().map(|(width, _)| usize::from(width.0)).filter(|_| is_terminal);
        let since_1970 = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
        let now = UnixMillis(u64::try_from(since_1970.as_millis()).unwrap_or(u64::MAX));
        Self { width, colour: may_use_colour(is_terminal), now }
    }

    /// Returns a text in a style, if the page knows any.
    pub(crate) fn paint(&self, style: Style, text: &str) -> String {
        let code = match style {
            Style::Plain => return text.to_owned(),
            Style::Bold => "1",
            Style::Dim => "2",
            Style::Good => "32",
            Style::Warn => "33",
            Style::Bad => "1;31",
        };
        if self.colour && !text.is_empty() { format!("\x1b[{code}m{text}\x1b[0m") } else { text.to_owned() }
    }
}

/// Returns whether colours may be written: to a terminal that knows them, unless `NO_COLOR` is set (<https://no-color.org>).
pub(crate) fn may_use_colour(is_terminal: bool) -> bool {
    let is_set = |name| std::env::var_os(name).is_some_and(|value| !value.is_empty());
    is_terminal && !is_set("NO_COLOR") && std::env::var_os("TERM").is_some_and(|term| term != "dumb")
}
