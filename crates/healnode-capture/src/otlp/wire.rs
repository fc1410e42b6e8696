//! The wire format of protobuf, read in place: fields by number, without a schema and without memory of its own.
//!
//! A message that is held in memory as structs can take thirty times its size; one that is read in place takes none.

/// A field of a message.
pub(crate) struct Field<'a> {
    pub(crate) number: u64,
    pub(crate) value: Value<'a>,
}

/// The value of a field.
#[derive(Clone, Copy)]
pub(crate) enum Value<'a> {
    /// A number, of whatever width.
    Number(u64),
    /// A text, bytes, or a message.
    Bytes(&'a [u8]),
    /// The start of one that breaks off.
    Broken(&'a [u8]),
}

impl<'a> Value<'a> {
    /// The number, if it is one.
    pub(crate) fn number(self) -> Option<u64> {
        match self {
            Value::Number(number) => Some(number),
            Value::Bytes(_) | Value::Broken(_) => None,
        }
    }

    /// The bytes, if there are any and they are whole.
    pub(crate) fn bytes(self) -> Option<&'a [u8]> {
        match self {
            Value::Bytes(bytes) => Some(bytes),
            Value::Number(_) | Value::Broken(_) => None,
        }
    }

    /// The bytes, also when they break off.
    pub(crate) fn part(self) -> Option<&'a [u8]> {
        match self {
            Value::Bytes(bytes) | Value::Broken(bytes) => Some(bytes),
            Value::Number(_) => None,
        }
    }

    /// The text. Bytes that are not UTF-8 are replaced.
    pub(crate) fn text(self) -> Option<String> {
        self.bytes().map(|bytes| String::from_utf8_lossy(bytes).into_owned())
    }
}

/// The fields of a message, up to the first that is broken.
pub(crate) struct Message<'a> {
    rest: &'a [u8],
    is_broken: bool,
}

impl<'a> Message<'a> {
    pub(crate) fn new(bytes: &'a [u8]) -> Message<'a> {
        Message { rest: bytes, is_broken: false }
    }

    /// Whether the message broke off or was none. To be asked at its end.
    pub(crate) fn is_broken(&self) -> bool {
        self.is_broken
    }

    fn read(&mut self) -> Option<Field<'a>> {
        let key = self.varint()?;
        let number = key >> 3;
        let value = match key & 7 {
            0 => Value::Number(self.varint()?),
            1 => Value::Number(u64::from_le_bytes(self.take(8)?.try_into().ok()?)),
            5 => Value::Number(u64::from(u32::from_le_bytes(self.take(4)?.try_into().ok()?))),
            2 => self.sized()?,
            _ => return None,
        };
        (number != 0).then_some(Field { number, value })
    }

    fn sized(&mut self) -> Option<Value<'a>> {
        let length = usize::try_from(self.varint()?).ok()?;
        if let Some(bytes) = self.take(length) {
            return Some(Value::Bytes(bytes));
        }
        self.is_broken = true;
        Some(Value::Broken(std::mem::take(&mut self.rest)))
    }

    fn take(&mut self, length: usize) -> Option<&'a [u8]> {
        let (taken, rest) = self.rest.split_at_checked(length)?;
        self.rest = rest;
        Some(taken)
    }

    fn varint(&mut self) -> Option<u64> {
        let mut number = 0;
        for shift in (0..70).step_by(7) {
            let (&byte, rest) = self.rest.split_first()?;
            self.rest = rest;
            number |= u64::from(byte & 0x7f).checked_shl(shift).unwrap_or(0);
            if byte < 0x80 {
                return Some(number);
            }
        }
        None
    }
}

impl<'a> Iterator for Message<'a> {
    type Item = Field<'a>;

    fn next(&mut self) -> Option<Field<'a>> {
        if self.rest.is_empty() {
            return None;
        }
        let field = self.read();
        if field.is_none() {
            self.is_broken = true;
            self.rest = &[];
        }
        field
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn fields_are_read_up_to_the_first_broken_one() {
        let mut message = Message::new(b"\x08\x96\x01\x12\x02hi\x19\x01\0\0\0\0\0\0\0\x25\x02\0\0\0\x2a\x09cut");
        for (number, value, bytes) in
            [(1, Some(150), None), (2, None, Some(b"hi".as_slice())), (3, Some(1), None), (4, Some(2), None), (5, None, Some(b"cut"))]
        {
            let field = message.next().unwrap();
            assert_eq!((field.number, field.value.number(), field.value.part()), (number, value, bytes));
        }
        assert!(message.next().is_none());
        assert!(message.is_broken());
        for broken in [b"\x00".as_slice(), b"\x0b", b"\x08", b"\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff", b"\x09\x01"] {
            let mut message = Message::new(broken);
            assert!(message.next().is_none() && message.is_broken(), "{broken:?}");
        }
    }
}
