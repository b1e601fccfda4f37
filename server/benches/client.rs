//! A plain HTTP/1.1 client on one keep-alive connection: about 10 µs a request, no pool, no retries.

use std::net::SocketAddr;
use std::time::{Duration, Instant};

use anyhow::{Context as _, Result, bail};
use axum::body::{Body, to_bytes};
use axum::http::header::{CONTENT_TYPE, HOST};
use axum::http::{HeaderMap, Method, Request, StatusCode};
use hyper::client::conn::http1::{SendRequest, handshake};
use hyper_util::rt::TokioIo;
use tokio::net::TcpStream;
use tokio::task::JoinSet;

/// Larger than any answer here.
const MOST: usize = 16 * 1024 * 1024;

pub(crate) struct Http {
    sender: SendRequest<Body>,
    /// What every request carries.
    headers: HeaderMap,
    /// Moves the bytes; ended with the client.
    _connection: JoinSet<()>,
}

pub(crate) struct Answer {
    pub(crate) status: StatusCode,
    pub(crate) headers: HeaderMap,
    pub(crate) body: axum::body::Bytes,
    /// From the start of the request to the head of the answer.
    pub(crate) first_byte: Duration,
    /// From the start of the request to the last byte.
    pub(crate) whole: Duration,
}

impl Http {
    /// Opens the connection. `headers`: sent with every request, beside `host`.
    pub(crate) async fn open(address: SocketAddr, mut headers: HeaderMap) -> Result<Self> {
        let stream = TcpStream::connect(address)
            .await
            .with_context(|| format!("nobody listens at {address}"))?;
        stream.set_nodelay(true)?;
        let (sender, connection) = handshake(TokioIo::new(stream)).await?;
        let mut task = JoinSet::new();
        task.spawn(async move {
            // Its end shows in the next request.
            let _ = connection.await;
        });
        headers.insert(HOST, address.to_string().parse()?);
        Ok(Self {
            sender,
            headers,
            _connection: task,
        })
    }

    pub(crate) async fn send(
        &mut self,
        method: Method,
        path: &str,
        kind: Option<&'static str>,
        body: impl Into<Body>,
    ) -> Result<Answer> {
        let mut request = Request::builder().method(method).uri(path);
        if let Some(headers) = request.headers_mut() {
            headers.clone_from(&self.headers);
            if let Some(kind) = kind {
                headers.insert(CONTENT_TYPE, kind.parse()?);
            }
        }
        let request = request.body(body.into())?;
        let begun = Instant::now();
        self.sender.ready().await?;
        let (head, body) = self.sender.send_request(request).await?.into_parts();
        let first_byte = begun.elapsed();
        let body = to_bytes(Body::new(body), MOST).await?;
        Ok(Answer {
            status: head.status,
            headers: head.headers,
            body,
            first_byte,
            whole: begun.elapsed(),
        })
    }

    pub(crate) async fn get(&mut self, path: &str) -> Result<Answer> {
        self.send(Method::GET, path, None, Body::empty()).await
    }

    /// Posts JSON; whatever is not a success is an error, in the server's own words.
    pub(crate) async fn post(&mut self, path: &str, body: String) -> Result<Answer> {
        self.json(Method::POST, path, body).await
    }

    pub(crate) async fn json(
        &mut self,
        method: Method,
        path: &str,
        body: String,
    ) -> Result<Answer> {
        let answer = self
            .send(method, path, Some("application/json"), body)
            .await?;
        if !answer.status.is_success() {
            let said = String::from_utf8_lossy(&answer.body);
            bail!("{path} was answered {}: {said}", answer.status);
        }
        Ok(answer)
    }
}
