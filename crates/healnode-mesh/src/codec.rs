//! Questions and answers on a stream: bytes, and no more of them than need be. What they mean, and whether they are too many, is decided
//! where they are used.

use std::io;

use futures::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt};
use libp2p::StreamProtocol;
use libp2p::request_response::Codec;

/// Reads and writes one question and one answer. Of each, one byte beyond its bound is handed over, and nothing after that.
#[derive(Clone)]
pub(crate) struct BytesCodec {
    pub(crate) request_bytes_max: usize,
    pub(crate) response_bytes_max: usize,
}

impl Codec for BytesCodec {
    type Protocol = StreamProtocol;
    type Request = Vec<u8>;
    type Response = Vec<u8>;

    async fn read_request<T: AsyncRead + Unpin + Send>(&mut self, _: &StreamProtocol, io: &mut T) -> io::Result<Vec<u8>> {
        read(io, self.request_bytes_max).await
    }

    async fn read_response<T: AsyncRead + Unpin + Send>(&mut self, _: &StreamProtocol, io: &mut T) -> io::Result<Vec<u8>> {
        read(io, self.response_bytes_max).await
    }

    async fn write_request<T: AsyncWrite + Unpin + Send>(&mut self, _: &StreamProtocol, io: &mut T, request: Vec<u8>) -> io::Result<()> {
        write(io, &request).await
    }

    async fn write_response<T: AsyncWrite + Unpin + Send>(&mut self, _: &StreamProtocol, io: &mut T, response: Vec<u8>) -> io::Result<()> {
        write(io, &response).await
    }
}

/// Reads until the other side is done, or one byte more than it may send: enough to tell that it is too long. That is no error here, because
/// libp2p does not report a question that could not be read.
///
/// Memory is taken as bytes come in, so a peer that only announces much costs nothing.
async fn read<T: AsyncRead + Unpin + Send>(io: &mut T, bytes_max: usize) -> io::Result<Vec<u8>> {
    let mut bytes = Vec::new();
    io.take(bytes_max as u64 + 1).read_to_end(&mut bytes).await?;
    Ok(bytes)
}

async fn write<T: AsyncWrite + Unpin + Send>(io: &mut T, bytes: &[u8]) -> io::Result<()> {
    io.write_all(bytes).await?;
    io.close().await
}

#[cfg(test)]
mod tests {
    use futures::executor::block_on;
    use futures::io::Cursor;

    use super::*;

    fn check(sent: usize, kept: usize) {
        assert_eq!(block_on(read(&mut Cursor::new(vec![7; sent]), 10)).unwrap().len(), kept);
    }

    #[test]
    fn no_more_is_read_than_tells_that_it_is_too_much() {
        check(0, 0);
        check(10, 10);
        check(11, 11);
        check(1000, 11);
    }
}
