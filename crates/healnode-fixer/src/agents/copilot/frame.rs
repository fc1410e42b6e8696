//! Messages on a pipe, each with its length before it, as language servers and the Copilot CLI send theirs.
//!
//! Knows nothing of what they say. A length is checked before anything is read.

use tokio::io::{AsyncBufReadExt, AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt, BufReader};

use crate::agents::limits::{FRAME_BYTES_MAX, FRAME_HEAD_BYTES_MAX};

/// Reads messages.
pub(super) struct FrameReader<R> {
    reader: BufReader<R>,
}

/// Why a message could not be read. Nothing after it can be.
#[derive(Debug, thiserror::Error)]
pub(super) enum FrameError {
    /// The lines before it are no such lines.
    #[error("the Copilot CLI sent something that is no message of its protocol")]
    Head,
    /// It is longer than the bound.
    #[error("the Copilot CLI sent a message of more than {FRAME_BYTES_MAX} bytes")]
    TooLong,
    /// The pipe broke.
    #[error("the pipe to the Copilot CLI broke")]
    Io(#[from] std::io::Error),
}

impl<R: AsyncRead + Unpin> FrameReader<R> {
    pub(super) fn new(reader: R) -> Self {
        Self { reader: BufReader::new(reader) }
    }

    /// Reads one message; `None` at the end. May not be cancelled between two messages that are to be read.
    pub(super) async fn read(&mut self) -> Result<Option<Vec<u8>>, FrameError> {
        let Some(length) = self.length().await? else { return Ok(None) };
        if length > FRAME_BYTES_MAX {
            return Err(FrameError::TooLong);
        }
        let mut message = vec![0; length];
        self.reader.read_exact(&mut message).await?;
        Ok(Some(message))
    }

    async fn length(&mut self) -> Result<Option<usize>, FrameError> {
        let mut length = None;
        let mut left = FRAME_HEAD_BYTES_MAX as u64;
        loop {
            let mut line = Vec::new();
            let read = (&mut self.reader).take(left).read_until(b'\n', &mut line).await?;
            if read == 0 && left == FRAME_HEAD_BYTES_MAX as u64 {
                return Ok(None);
            }
            left -= read as u64;
            let line = std::str::from_utf8(&line).ok().and_then(|line| line.strip_suffix('\n')).ok_or(FrameError::Head)?.trim_end();
            if line.is_empty() {
                return length.map(Some).ok_or(FrameError::Head);
            }
            let (name, value) = line.split_once(':').ok_or(FrameError::Head)?;
            if name.eq_ignore_ascii_case("content-length") {
                length = Some(value.trim().parse().map_err(|_| FrameError::Head)?);
            }
        }
    }
}

/// Writes one message.
pub(super) async fn write_frame(writer: &mut (impl AsyncWrite + Unpin), message: &str) -> std::io::Result<()> {
    writer.write_all(format!("Content-Length: {}\r\n\r\n{message}", message.len()).as_bytes()).await?;
    writer.flush().await
}

#[cfg(test)]
mod tests {
    use super::*;

    async fn read_all(bytes: &[u8]) -> Result<Vec<String>, FrameError> {
        let mut reader = FrameReader::new(bytes);
        let mut messages = Vec::new();
        while let Some(message) = reader.read().await? {
            messages.push(String::from_utf8(message).unwrap());
        }
        Ok(messages)
    }

    #[tokio::test]
    async fn what_is_written_can_be_read() {
        let mut bytes = Vec::new();
        for message in ["{}", "", "ä€"] {
            write_frame(&mut bytes, message).await.unwrap();
        }
        assert_eq!(read_all(&bytes).await.unwrap(), ["{}", "", "ä€"]);
    }

    #[tokio::test]
    async fn other_lines_and_letters_are_allowed_before_a_message() {
        let bytes = b"content-type: application/json\r\ncontent-length:  2\r\n\r\n{}Content-Length: 1\n\n1";
        assert_eq!(read_all(bytes).await.unwrap(), ["{}", "1"]);
    }

    #[tokio::test]
    async fn anything_else_is_an_error() {
        let long = format!("x: {}\r\n", "y".repeat(FRAME_HEAD_BYTES_MAX));
        let many = "x: y\r\n".repeat(FRAME_HEAD_BYTES_MAX);
        for bytes in
            ["{}\n\n", "\r\n", "Content-Length: -1\r\n\r\n", "Content-Length: x\r\n\r\n", "Content-Length: 1", &long, &many, "\u{0}"]
        {
            assert!(matches!(read_all(bytes.as_bytes()).await, Err(FrameError::Head)), "{:?}", &bytes[..bytes.len().min(40)]);
        }
        assert!(matches!(read_all(b"Content-Length: 3\r\n\r\n{}").await, Err(FrameError::Io(_))));
        for length in [FRAME_BYTES_MAX + 1, usize::MAX] {
            let bytes = format!("Content-Length: {length}\r\n\r\n");
            assert!(matches!(read_all(bytes.as_bytes()).await, Err(FrameError::TooLong)));
        }
    }
}
