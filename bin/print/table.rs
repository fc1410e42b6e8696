//! Tables: columns as wide as their longest cell, the last one cut to what is left of the page.

use super::page::{Page, Style};
use super::text::{columns, cut};

/// Blanks between two columns.
const GAP: usize = 2;

/// Columns that the last column gets on the narrowest page.
const LAST_COLUMNS_MIN: usize = 16;

/// Rows under a head.
pub(super) struct Table {
    head: Vec<&'static str>,
    rows: Vec<Vec<Cell>>,
}

/// One cell, on one line.
pub(super) struct Cell {
    text: String,
    style: Style,
    is_number: bool,
}

impl Cell {
    pub(super) fn new(text: impl Into<String>) -> Self {
        Self { text: text.into(), style: Style::Plain, is_number: false }
    }

    pub(super) fn styled(text: impl Into<String>, style: Style) -> Self {
        Self { style, ..Self::new(text) }
    }

    pub(super) fn number(number: u64) -> Self {
        Self { is_number: true, ..Self::new(number.to_string()) }
    }
}

impl Table {
    pub(super) fn new(head: &[&'static str]) -> Self {
        Self { head: head.to_vec(), rows: Vec::new() }
    }

    /// Adds a row with one cell per column.
    pub(super) fn push(&mut self, row: Vec<Cell>) {
        self.rows.push(row);
    }

    pub(super) fn render(&self, page: &Page) -> String {
        let widths = self.widths(page);
        let head: Vec<Cell> = self.head.iter().map(|title| Cell::styled(*title, Style::Dim)).collect();
        std::iter::once(&head).chain(&self.rows).map(|row| render_row(row, &widths, page)).collect()
    }

    fn widths(&self, page: &Page) -> Vec<usize> {
        let widest =
            |column: usize| self.rows.iter().filter_map(|row| row.get(column)).map(|cell| columns(&cell.text)).max().unwrap_or_default();
        let mut widths: Vec<usize> = self.head.iter().enumerate().map(|(column, title)| columns(title).max(widest(column))).collect();
        if let (Some(page_width), Some((last, others))) = (page.width, widths.split_last_mut()) {
            let used: usize = others.iter().map(|width| width + GAP).sum();
            *last = (*last).min(page_width.saturating_sub(used).max(LAST_COLUMNS_MIN));
        }
        widths
    }
}

fn render_row(row: &[Cell], widths: &[usize], page: &Page) -> String {
    let mut line = String::new();
    for (index, (cell, width)) in row.iter().zip(widths).enumerate() {
        let is_last = index + 1 == widths.len();
        let text = cut(&cell.text, *width);
        let blanks = " ".repeat(width.saturating_sub(columns(&text)));
        let painted = page.paint(cell.style, &text);
        line.push_str(&match (cell.is_number, is_last) {
            (true, true) => format!("{blanks}{painted}"),
            (true, false) => format!("{blanks}{painted}{:GAP$}", ""),
            (false, true) => painted,
            (false, false) => format!("{painted}{blanks}{:GAP$}", ""),
        });
    }
    line.truncate(line.trim_end().len());
    line.push('\n');
    line
}
