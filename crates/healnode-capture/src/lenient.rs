//! Reads JSON whose fields may be of any kind: what fits is taken, what does not is dropped alone.
//!
//! No field fails its neighbours, `null` equals absent, a repeated name counts once, and lists keep their ends. Faults of the JSON itself
//! fail the whole text; [`repair`] mends the ones that applications are known to make, in place and without growing it.

use std::borrow::Cow;
use std::collections::VecDeque;
use std::fmt;
use std::marker::PhantomData;

use healnode_report::UnixMillis;
use serde::Deserialize;
use serde::de::{DeserializeSeed, Deserializer, IgnoredAny, MapAccess, SeqAccess, Visitor};
use serde_json::Number;

mod repair;

pub(crate) use repair::repair;

/// A value that can be made from JSON of any kind. A kind that it does not know gives the default.
pub(crate) trait Lenient: Default {
    /// Takes a string.
    fn from_text(_: &str) -> Self {
        Self::default()
    }

    /// Takes a number.
    fn from_number(_: Number) -> Self {
        Self::default()
    }

    /// Takes `true` or `false`.
    fn from_flag(_: bool) -> Self {
        Self::default()
    }

    /// Takes an object.
    fn from_object<'de, A: MapAccess<'de>>(mut map: A) -> Result<Self, A::Error> {
        while map.next_entry::<IgnoredAny, IgnoredAny>()?.is_some() {}
        Ok(Self::default())
    }

    /// Takes a list.
    fn from_list<'de, A: SeqAccess<'de>>(mut list: A) -> Result<Self, A::Error> {
        while list.next_element::<IgnoredAny>()?.is_some() {}
        Ok(Self::default())
    }
}

/// An object whose fields are read one by one.
pub(crate) trait Fields: Default {
    /// Reads a field, or says that it does not know it and leaves its value alone.
    fn read<'de, A: MapAccess<'de>>(&mut self, name: &str, map: &mut A) -> Result<bool, A::Error>;
}

/// Makes a struct lenient: its fields by their names in JSON.
macro_rules! fields {
    ($kind:ty { $($name:literal => $field:ident),+ $(,)? }) => {
        impl $crate::lenient::Fields for $kind {
            fn read<'de, A: serde::de::MapAccess<'de>>(&mut self, name: &str, map: &mut A) -> Result<bool, A::Error> {
                match name {
                    $($name => self.$field = $crate::lenient::value(map)?,)+
                    _ => return Ok(false),
                }
                Ok(true)
            }
        }

        impl $crate::lenient::Lenient for $kind {
            fn from_object<'de, A: serde::de::MapAccess<'de>>(map: A) -> Result<Self, A::Error> {
                $crate::lenient::object(map)
            }
        }
    };
}

pub(crate) use fields;

/// Reads the value of a field.
pub(crate) fn value<'de, T: Lenient, A: MapAccess<'de>>(map: &mut A) -> Result<T, A::Error> {
    map.next_value_seed(Any(PhantomData))
}

/// Reads the next value of a list.
pub(crate) fn element<'de, T: Lenient, A: SeqAccess<'de>>(list: &mut A) -> Result<Option<T>, A::Error> {
    list.next_element_seed(Any(PhantomData))
}

/// Reads all fields of an object.
pub(crate) fn object<'de, T: Fields, A: MapAccess<'de>>(mut map: A) -> Result<T, A::Error> {
    let mut object = T::default();
    while let Some(Name(name)) = map.next_key()? {
        if !object.read(&name, &mut map)? {
            map.next_value::<IgnoredAny>()?;
        }
    }
    Ok(object)
}

/// Reads an object from JSON. `None` when the text is no object or no JSON. What stands behind it does not matter.
pub(crate) fn from_json<T: Lenient>(text: &[u8]) -> Option<T> {
    if text.trim_ascii_start().first() != Some(&b'{') {
        return None;
    }
    Any(PhantomData).deserialize(&mut serde_json::Deserializer::from_slice(text)).ok()
}

/// Like [`from_json`], and tries once more with the text [`repair`]ed.
pub(crate) fn from_broken_json<T: Lenient>(text: &[u8]) -> Option<T> {
    from_json(text).or_else(|| {
        let mut text = text.to_vec();
        repair(&mut text);
        from_json(&text)
    })
}

/// The name of a field, borrowed where it has no escapes.
pub(crate) struct Name<'de>(pub(crate) Cow<'de, str>);

impl<'de> Deserialize<'de> for Name<'de> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Name<'de>, D::Error> {
        struct NameVisitor;

        impl<'de> Visitor<'de> for NameVisitor {
            type Value = Name<'de>;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("the name of a field")
            }

            fn visit_borrowed_str<E>(self, name: &'de str) -> Result<Name<'de>, E> {
                Ok(Name(Cow::Borrowed(name)))
            }

            fn visit_str<E>(self, name: &str) -> Result<Name<'de>, E> {
                Ok(Name(Cow::Owned(name.to_owned())))
            }
        }

        deserializer.deserialize_str(NameVisitor)
    }
}

/// Reads a value of any kind.
struct Any<T>(PhantomData<T>);

impl<'de, T: Lenient> DeserializeSeed<'de> for Any<T> {
    type Value = T;

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<T, D::Error> {
        deserializer.deserialize_any(self)
    }
}

impl<'de, T: Lenient> Visitor<'de> for Any<T> {
    type Value = T;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a value of any kind")
    }

    fn visit_unit<E>(self) -> Result<T, E> {
        Ok(T::default())
    }

    fn visit_bool<E>(self, flag: bool) -> Result<T, E> {
        Ok(T::from_flag(flag))
    }

    fn visit_u64<E>(self, number: u64) -> Result<T, E> {
        Ok(T::from_number(number.into()))
    }

    fn visit_i64<E>(self, number: i64) -> Result<T, E> {
        Ok(T::from_number(number.into()))
    }

    fn visit_f64<E>(self, number: f64) -> Result<T, E> {
        Ok(Number::from_f64(number).map(T::from_number).unwrap_or_default())
    }

    fn visit_str<E>(self, text: &str) -> Result<T, E> {
        Ok(T::from_text(text))
    }

    fn visit_seq<A: SeqAccess<'de>>(self, list: A) -> Result<T, A::Error> {
        T::from_list(list)
    }

    fn visit_map<A: MapAccess<'de>>(self, map: A) -> Result<T, A::Error> {
        T::from_object(map)
    }
}

/// A text that is not blank. Numbers and flags are taken as text.
impl Lenient for Option<String> {
    fn from_text(text: &str) -> Option<String> {
        (!text.trim().is_empty()).then(|| text.to_owned())
    }

    fn from_number(number: Number) -> Option<String> {
        Some(number.to_string())
    }

    fn from_flag(flag: bool) -> Option<String> {
        Some(flag.to_string())
    }
}

/// A whole number from nought up, also as text.
impl Lenient for Option<u64> {
    fn from_text(text: &str) -> Option<u64> {
        text.trim().parse().ok()
    }

    fn from_number(number: Number) -> Option<u64> {
        number.as_u64().or_else(|| number.as_f64().filter(|value| *value >= 0.0 && value.fract() == 0.0).map(|value| value as u64))
    }
}

impl Lenient for Option<bool> {
    fn from_flag(flag: bool) -> Option<bool> {
        Some(flag)
    }
}

/// A time as RFC 3339 text, UTC where it has no zone, or as Unix seconds.
impl Lenient for Option<UnixMillis> {
    fn from_text(text: &str) -> Option<UnixMillis> {
        let text = text.trim();
        let zoned = text.parse().ok().or_else(|| format!("{text}Z").parse().ok());
        zoned.or_else(|| Number::from_f64(text.parse().ok()?).and_then(Self::from_number))
    }

    fn from_number(number: Number) -> Option<UnixMillis> {
        UnixMillis::parse_lenient(&number.into()).ok()
    }
}

/// A list that keeps its first and last entries, or one entry without a list around it.
#[derive(Clone, PartialEq, Debug)]
pub(crate) struct Ends<T, const FIRST: usize, const LAST: usize>(pub(crate) Vec<T>);

impl<T, const FIRST: usize, const LAST: usize> Default for Ends<T, FIRST, LAST> {
    fn default() -> Self {
        Ends(Vec::new())
    }
}

impl<T: Lenient + Fields, const FIRST: usize, const LAST: usize> Lenient for Ends<T, FIRST, LAST> {
    fn from_list<'de, A: SeqAccess<'de>>(list: A) -> Result<Self, A::Error> {
        ends(list, FIRST, LAST).map(Ends)
    }

    /// Takes `{"values": […]}`, or the one entry.
    fn from_object<'de, A: MapAccess<'de>>(mut map: A) -> Result<Self, A::Error> {
        let mut values = None;
        let mut entry = T::default();
        let mut is_entry = false;
        while let Some(Name(name)) = map.next_key()? {
            if name == "values" {
                values = Some(map.next_value_seed(Any(PhantomData::<Values<T, FIRST, LAST>>))?.0);
            } else if entry.read(&name, &mut map)? {
                is_entry = true;
            } else {
                map.next_value::<IgnoredAny>()?;
            }
        }
        let alone = if is_entry { vec![entry] } else { Vec::new() };
        Ok(Ends(values.unwrap_or(alone)))
    }
}

/// What stands in `values`: a list, and nothing else, so that lists cannot nest.
struct Values<T, const FIRST: usize, const LAST: usize>(Vec<T>);

impl<T, const FIRST: usize, const LAST: usize> Default for Values<T, FIRST, LAST> {
    fn default() -> Self {
        Values(Vec::new())
    }
}

impl<T: Lenient, const FIRST: usize, const LAST: usize> Lenient for Values<T, FIRST, LAST> {
    fn from_list<'de, A: SeqAccess<'de>>(list: A) -> Result<Self, A::Error> {
        ends(list, FIRST, LAST).map(Values)
    }
}

fn ends<'de, T: Lenient, A: SeqAccess<'de>>(mut list: A, first: usize, last: usize) -> Result<Vec<T>, A::Error> {
    let mut head = Vec::new();
    let mut tail = VecDeque::new();
    while let Some(entry) = element(&mut list)? {
        if head.len() < first {
            head.push(entry);
            continue;
        }
        tail.push_back(entry);
        if tail.len() > last {
            tail.pop_front();
        }
    }
    head.extend(tail);
    Ok(head)
}

/// Texts as a list, or one text. Entries of other kinds are left out, and so are those beyond the bound.
#[derive(Clone, PartialEq, Eq, Default, Debug)]
pub(crate) struct Texts(pub(crate) Vec<String>);

impl Lenient for Texts {
    fn from_text(text: &str) -> Texts {
        Texts(Option::from_text(text).into_iter().collect())
    }

    fn from_list<'de, A: SeqAccess<'de>>(mut list: A) -> Result<Texts, A::Error> {
        let mut texts = Vec::new();
        while let Some(text) = element::<Option<String>, A>(&mut list)? {
            if texts.len() < crate::limits::TEXTS_MAX {
                texts.extend(text);
            }
        }
        Ok(Texts(texts))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[derive(Default, PartialEq, Debug)]
    struct Sample {
        name: Option<String>,
        line: Option<u64>,
        is_ours: Option<bool>,
        at: Option<UnixMillis>,
        parts: Texts,
        inner: Ends<Inner, 1, 2>,
    }

    fields!(Sample { "name" => name, "line" => line, "ours" => is_ours, "at" => at, "parts" => parts, "inner" => inner });

    #[derive(Default, PartialEq, Debug)]
    struct Inner {
        n: Option<u64>,
    }

    fields!(Inner { "n" => n });

    fn read(text: &str) -> Sample {
        from_json(text.as_bytes()).unwrap()
    }

    #[test]
    fn a_field_of_the_wrong_kind_is_dropped_alone() {
        let whole = r#""name":"n","line":3,"ours":true,"parts":["a"],"at":1"#;
        for (bad, reset) in [
            (r#""name":{"a":[1]}"#, 0),
            (r#""name":null"#, 0),
            (r#""line":"many""#, 1),
            (r#""line":-3"#, 1),
            (r#""ours":"yes""#, 2),
            (r#""parts":{"a":1}"#, 3),
            (r#""at":"noon""#, 4),
            (r#""at":[[[[]]]]"#, 4),
        ] {
            let mut expected = read(&format!("{{{whole}}}"));
            match reset {
                0 => expected.name = None,
                1 => expected.line = None,
                2 => expected.is_ours = None,
                3 => expected.parts = Texts::default(),
                _ => expected.at = None,
            }
            assert_eq!(read(&format!("{{{whole},{bad}}}")), expected, "{bad}");
        }
    }

    #[test]
    fn numbers_may_be_texts_and_texts_numbers() {
        let sample = read(r#"{"name":7,"line":"12","parts":"one","at":"2026-11-25T13:10:32.123456789"}"#);
        assert_eq!((sample.name.as_deref(), sample.line), (Some("7"), Some(12)));
        assert_eq!(sample.parts.0, ["one"]);
        assert_eq!(sample.at, Some(UnixMillis(1_795_612_232_123)));
        assert_eq!(read(r#"{"line":12.0}"#).line, Some(12));
    }

    #[test]
    fn a_list_has_three_shapes_and_keeps_its_ends() {
        let numbers = |text: &str| read(text).inner.0.iter().filter_map(|inner| inner.n).collect::<Vec<_>>();
        let entries = r#"[{"n":1},{"n":2},{"n":3},{"n":4},{"n":5}]"#;
        assert_eq!(numbers(&format!(r#"{{"inner":{entries}}}"#)), [1, 4, 5]);
        assert_eq!(numbers(&format!(r#"{{"inner":{{"x":1,"values":{entries}}}}}"#)), [1, 4, 5]);
        assert_eq!(numbers(r#"{"inner":{"n":9}}"#), [9]);
        assert_eq!(numbers(r#"{"inner":{"values":null}}"#), [0; 0]);
        assert_eq!(numbers(r#"{"inner":"none"}"#), [0; 0]);
    }

    #[test]
    fn deep_nesting_is_no_harm() {
        let deep = format!("{}{}", "[".repeat(100_000), "]".repeat(100_000));
        assert_eq!(read(&format!(r#"{{"x":{deep},"name":{deep},"line":3}}"#)).line, Some(3));
        let deep = format!("{}1{}", r#"{"values":"#.repeat(100_000), "}".repeat(100_000));
        assert_eq!(read(&format!(r#"{{"inner":{deep},"line":3}}"#)).line, Some(3));
    }

    #[test]
    fn faults_that_applications_make_are_mended() {
        for text in [
            "\u{feff}{\"name\":\"n\",\"line\":3}".as_bytes(),
            b"{\"at\":NaN,\"name\":\"n\",\"x\":-Infinity,\"line\":3}",
            b"{\"at\":1e999,\"name\":\"n\",\"line\":3}",
            b"{\"parts\":\"\\ud83d\",\"name\":\"n\",\"line\":3}",
            b"{\"parts\":\"\xff\xfe\",\"name\":\"n\",\"line\":3}",
            b"{\"parts\":\"a\nb\\x\",\"name\":\"n\",\"line\":3}",
            b"{\"name\":1,\"name\":\"n\",\"line\":3}",
            b"{\"name\":\"n\",\"line\":3} trailing",
        ] {
            let sample: Sample = from_broken_json(text).unwrap();
            assert_eq!((sample.name.as_deref(), sample.line), (Some("n"), Some(3)), "{}", String::from_utf8_lossy(text));
        }
    }
}
