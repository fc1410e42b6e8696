//! Wall-clock time as data.
//!
//! It is shown, stored and compared, and it always arrives as an argument: nothing in this crate reads a clock.

use std::fmt;
use std::str::FromStr;

use chrono::{DateTime, SecondsFormat};
use serde::de::{Deserializer, Visitor};
use serde::{Deserialize, Serialize, Serializer};

/// The last millisecond of the year 9999, where RFC 3339 ends.
const LAST: u64 = 253_402_300_799_999;

const ALLOWED: &str = "an RFC 3339 time such as 2026-11-25T13:10:32Z, or Unix seconds, between the years 1970 and 9999";

/// A moment of wall-clock time, in milliseconds since 1970-01-01T00:00:00Z.
///
/// Displays as RFC 3339 in UTC with milliseconds, and reads any RFC 3339 time. Moments after the year 9999 display as its end. A format
/// for people, such as JSON, gets that text; a binary one gets the number.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default)]
pub struct UnixMillis(pub u64);

impl UnixMillis {
    /// The same moment, or the end of the year 9999 when it is later than that.
    pub fn clamped(self) -> UnixMillis {
        UnixMillis(self.0.min(LAST))
    }

    /// Reads what applications send: an RFC 3339 string, or Unix seconds as an integer or a decimal number.
    ///
    /// # Errors
    /// Says what is allowed when the value is of another kind, malformed, or outside the years 1970 to 9999.
    pub fn parse_lenient(value: &serde_json::Value) -> Result<UnixMillis, TimeFormatError> {
        Moment::deserialize(value).map(|moment| moment.0).map_err(|_| TimeFormatError)
    }

    fn from_seconds(seconds: f64) -> Option<UnixMillis> {
        let millis = (seconds * 1000.0).round();
        (millis >= 0.0 && millis <= LAST as f64).then_some(UnixMillis(millis as u64))
    }
}

impl fmt::Display for UnixMillis {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let time = i64::try_from(self.clamped().0).ok().and_then(DateTime::from_timestamp_millis).unwrap_or_default();
        f.write_str(&time.to_rfc3339_opts(SecondsFormat::Millis, true))
    }
}

impl fmt::Debug for UnixMillis {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

impl FromStr for UnixMillis {
    type Err = TimeFormatError;

    fn from_str(text: &str) -> Result<UnixMillis, TimeFormatError> {
        let time = DateTime::parse_from_rfc3339(text.trim()).map_err(|_| TimeFormatError)?;
        u64::try_from(time.timestamp_millis()).map(UnixMillis).map_err(|_| TimeFormatError)
    }
}

/// The text or number is no time that a report can carry. The message says what is allowed.
#[derive(Clone, Copy, PartialEq, Eq, Debug, thiserror::Error)]
#[error("expected {ALLOWED}")]
pub struct TimeFormatError;

impl Serialize for UnixMillis {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        if serializer.is_human_readable() { serializer.collect_str(self) } else { serializer.serialize_u64(self.0) }
    }
}

impl<'de> Deserialize<'de> for UnixMillis {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<UnixMillis, D::Error> {
        if deserializer.is_human_readable() {
            return Moment::deserialize(deserializer).map(|moment| moment.0);
        }
        u64::deserialize(deserializer).map(UnixMillis)
    }
}

/// A time as a report spells it, from any serde format.
pub(crate) struct Moment(pub(crate) UnixMillis);

impl<'de> Deserialize<'de> for Moment {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Moment, D::Error> {
        deserializer.deserialize_any(MomentVisitor)
    }
}

struct MomentVisitor;

impl Visitor<'_> for MomentVisitor {
    type Value = Moment;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(ALLOWED)
    }

    fn visit_str<E: serde::de::Error>(self, text: &str) -> Result<Moment, E> {
        text.parse().map(Moment).map_err(E::custom)
    }

    fn visit_u64<E: serde::de::Error>(self, seconds: u64) -> Result<Moment, E> {
        self.visit_f64(seconds as f64)
    }

    fn visit_i64<E: serde::de::Error>(self, seconds: i64) -> Result<Moment, E> {
        self.visit_f64(seconds as f64)
    }

    fn visit_f64<E: serde::de::Error>(self, seconds: f64) -> Result<Moment, E> {
        UnixMillis::from_seconds(seconds).map(Moment).ok_or_else(|| E::custom(TimeFormatError))
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn a_time_displays_as_rfc_3339_with_milliseconds_and_reads_back() {
        let time = UnixMillis(1_795_612_232_007);
        assert_eq!(time.to_string(), "2026-11-25T13:10:32.007Z");
        assert_eq!(time.to_string().parse(), Ok(time));
    }

    #[test]
    fn an_offset_is_converted_to_utc() {
        let time: UnixMillis = "2026-11-25T14:10:32+01:00".parse().unwrap();
        assert_eq!(time.to_string(), "2026-11-25T13:10:32.000Z");
    }

    #[test]
    fn numbers_are_unix_seconds() {
        for value in [json!(1_795_612_232), json!(1_795_612_232.0), json!("2026-11-25T13:10:32Z")] {
            assert_eq!(UnixMillis::parse_lenient(&value), Ok(UnixMillis(1_795_612_232_000)), "{value}");
        }
    }

    #[test]
    fn what_is_no_time_is_refused() {
        for value in [json!(-1), json!(1.0e15), json!("yesterday"), json!(null), json!([1])] {
            assert_eq!(UnixMillis::parse_lenient(&value), Err(TimeFormatError), "{value}");
        }
    }

    #[test]
    fn the_farthest_future_still_displays() {
        assert_eq!(UnixMillis(u64::MAX).to_string(), "9999-12-31T23:59:59.999Z");
    }
}
