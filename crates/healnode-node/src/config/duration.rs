//! Durations as people write them: a whole number and a unit, such as `200ms`, `15m` or `14d`.
//!
//! One unit at a time: `1h30m` is `90m`. Knows nothing of settings; ranges are checked in `reader.rs`.

use std::time::Duration;

/// The text is no duration, or one that is too long to count in milliseconds. The message says what is one.
#[derive(Clone, Copy, PartialEq, Eq, Debug, thiserror::Error)]
#[error("a duration is a whole number with ms, s, m, h or d, such as 15m")]
pub struct InvalidDuration;

const UNITS_MS: [(&str, u64); 5] = [("d", 86_400_000), ("h", 3_600_000), ("m", 60_000), ("s", 1_000), ("ms", 1)];

/// Reads a duration.
///
/// # Errors
/// When the text is none.
pub fn parse(text: &str) -> Result<Duration, InvalidDuration> {
    let text = text.trim();
    let (number, unit) = text.split_at(text.find(|c: char| !c.is_ascii_digit()).unwrap_or(text.len()));
    let (_, unit_ms) = UNITS_MS.iter().find(|(name, _)| *name == unit.trim_start()).ok_or(InvalidDuration)?;
    let number: u64 = number.parse().map_err(|_| InvalidDuration)?;
    number.checked_mul(*unit_ms).map(Duration::from_millis).ok_or(InvalidDuration)
}

/// Writes a duration in the largest unit that divides it: 90 s is `90s`, 120 s is `2m`. What is below a millisecond is left out.
pub(super) fn format(duration: Duration) -> String {
    let total_ms = u64::try_from(duration.as_millis()).unwrap_or(u64::MAX);
    let (name, unit_ms) = UNITS_MS.into_iter().find(|(_, unit_ms)| total_ms >= *unit_ms && total_ms % unit_ms == 0).unwrap_or(("ms", 1));
    format!("{}{name}", total_ms / unit_ms)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_duration_is_a_number_and_a_unit() {
        for (text, millis) in
            [("200ms", 200), ("1s", 1_000), ("15m", 900_000), ("24h", 86_400_000), ("14d", 1_209_600_000), (" 5 s ", 5_000), ("0s", 0)]
        {
            assert_eq!(parse(text), Ok(Duration::from_millis(millis)), "{text}");
        }
    }

    #[test]
    fn anything_else_is_refused() {
        for text in ["", "15", "m", "-1s", "1.5h", "1h30m", "15 minutes", "15M", "99999999999999999999s", "9999999999999999999d"] {
            assert_eq!(parse(text), Err(InvalidDuration), "{text}");
        }
    }

    #[test]
    fn what_is_written_reads_back() {
        for (millis, text) in [(200, "200ms"), (90_000, "90s"), (120_000, "2m"), (86_400_000, "1d"), (0, "0ms"), (1_001, "1001ms")] {
            let duration = Duration::from_millis(millis);
            assert_eq!(format(duration), text);
            assert_eq!(parse(text), Ok(duration));
        }
    }
}
