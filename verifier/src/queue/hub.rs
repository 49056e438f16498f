//! The connection, and what lies on the server: stream, consumer and bucket.

use std::time::Duration;

use async_nats::jetstream::consumer::{AckPolicy, PullConsumer, pull};
use async_nats::jetstream::context::{CreateStreamError, CreateStreamErrorKind};
use async_nats::jetstream::stream::{self, DiscardPolicy, RetentionPolicy, StorageType, Stream};
use async_nats::jetstream::{self, Context, ErrorCode, kv};
use async_nats::{ConnectOptions, ServerAddr};

use crate::protocol::QueueError;

const CONNECT_TIMEOUT: Duration = Duration::from_secs(5);
/// How long the server drops a second copy of a published request.
const DUPLICATE_WINDOW: Duration = Duration::from_secs(600);
/// How long answers are kept.
const KEEP_ANSWERS: Duration = Duration::from_secs(24 * 3600);

/// A connection to a queue that is set up.
#[derive(Clone, Debug)]
pub(crate) struct Hub {
    pub(crate) context: Context,
    pub(crate) stream: Stream,
    pub(crate) answers: kv::Store,
    /// The server's address without its password.
    pub(crate) url: String,
    queue: String,
}

impl Hub {
    /// Connects and makes the stream and the bucket, unless they are there.
    pub(crate) async fn open(url: &str, queue: &str) -> Result<Self, QueueError> {
        if queue.is_empty() || !queue.chars().all(|c| c.is_ascii_alphanumeric() || c == '-' || c == '_') {
            return Err(QueueError::Name(queue.to_owned()));
        }
        let shown = without_password(url);
        let addresses = addresses(url)
            .map_err(|reason| QueueError::Url { url: shown.clone(), reason: reason.to_string() })?;
        let client = ConnectOptions::new()
            .name("stp")
            .connection_timeout(CONNECT_TIMEOUT)
            .event_callback(|event| async move { tracing::info!("NATS: {event}") })
            .connect(addresses)
            .await
            .map_err(|error| QueueError::Unreachable { url: shown.clone(), reason: error.to_string() })?;
        let context = jetstream::new(client);
        let stream = open_stream(&context, &shown, queue).await?;
        let answers = open_answers(&context, &shown, queue).await?;
        Ok(Self { context, stream, answers, url: shown, queue: queue.to_owned() })
    }

    /// The subject of a client's requests.
    pub(crate) fn subject(&self, client: &str) -> String {
        format!("{}.checks.{client}", self.queue)
    }

    /// The consumer that all workers share.
    pub(crate) async fn consumer(&self, ack_wait: Duration) -> Result<PullConsumer, QueueError> {
        let name = format!("{}-workers", self.queue);
        let config = pull::Config {
            durable_name: Some(name.clone()),
            ack_policy: AckPolicy::Explicit,
            ack_wait,
            max_ack_pending: 100_000,
            ..pull::Config::default()
        };
        let wrong = |reason: String| QueueError::Misconfigured { name: stream_name(&self.queue), reason };
        let consumer = self
            .stream
            .get_or_create_consumer(&name, config)
            .await
            .map_err(|error| wrong(format!("its consumer `{name}` cannot be used ({error})")))?;
        let found = &consumer.cached_info().config;
        if found.ack_policy != AckPolicy::Explicit || found.ack_wait.is_zero() {
            return Err(wrong(format!("its consumer `{name}` does not wait for acknowledgements")));
        }
        Ok(consumer)
    }
}

fn stream_name(queue: &str) -> String {
    format!("{queue}-checks")
}

async fn open_stream(context: &Context, url: &str, queue: &str) -> Result<Stream, QueueError> {
    let subject = format!("{queue}.checks.*");
    let config = stream::Config {
        name: stream_name(queue),
        subjects: vec![subject.clone()],
        retention: RetentionPolicy::WorkQueue,
        storage: StorageType::File,
        duplicate_window: DUPLICATE_WINDOW,
        ..stream::Config::default()
    };
    let work_queue = |found: &stream::Config| {
        (found.retention != RetentionPolicy::WorkQueue)
            .then(|| "it is not a work queue (its retention differs)".to_owned())
    };
    open(context, url, config, &subject, work_queue).await
}

/// The bucket is made as the stream that it is: the library's own way asks things that older servers do not
/// tell.
async fn open_answers(context: &Context, url: &str, queue: &str) -> Result<kv::Store, QueueError> {
    let bucket = format!("{queue}-verdicts");
    let subject = format!("$KV.{bucket}.>");
    let name = format!("KV_{bucket}");
    let config = stream::Config {
        name: name.clone(),
        subjects: vec![subject.clone()],
        max_messages_per_subject: 1,
        max_age: KEEP_ANSWERS,
        storage: StorageType::File,
        discard: DiscardPolicy::New,
        allow_rollup: true,
        deny_delete: true,
        allow_direct: true,
        ..stream::Config::default()
    };
    let one_each = |found: &stream::Config| {
        (found.max_messages_per_subject != 1).then(|| "it keeps more than one value for each key".to_owned())
    };
    open(context, url, config, &subject, one_each).await?;
    let wrong = |error: jetstream::context::KeyValueError| QueueError::Misconfigured {
        name: name.clone(),
        reason: error.to_string(),
    };
    context.get_key_value(bucket).await.map_err(wrong)
}

/// The stream of that name, made if need be; one that was there must fit.
async fn open(
    context: &Context,
    url: &str,
    config: stream::Config,
    subject: &str,
    unfit: impl Fn(&stream::Config) -> Option<String>,
) -> Result<Stream, QueueError> {
    let name = config.name.clone();
    let wrong = |reason: String| QueueError::Misconfigured { name: name.clone(), reason };
    let stream = context.get_or_create_stream(config).await.map_err(|error| {
        if has_no_jetstream(&error) {
            QueueError::NoJetStream { url: url.to_owned(), reason: error.to_string() }
        } else {
            wrong(error.to_string())
        }
    })?;
    let found = &stream.cached_info().config;
    if found.storage != StorageType::File {
        return Err(wrong("it is kept in memory, not in files".to_owned()));
    }
    if !found.subjects.iter().any(|one| one == subject) {
        return Err(wrong(format!("it does not take the subject `{subject}`")));
    }
    match unfit(found) {
        Some(reason) => Err(wrong(reason)),
        None => Ok(stream),
    }
}

fn has_no_jetstream(error: &CreateStreamError) -> bool {
    match error.kind() {
        CreateStreamErrorKind::JetStreamUnavailable
        | CreateStreamErrorKind::TimedOut
        | CreateStreamErrorKind::Response => true,
        CreateStreamErrorKind::JetStream(error) => {
            [ErrorCode::JETSTREAM_NOT_ENABLED, ErrorCode::JETSTREAM_NOT_ENABLED_FOR_ACCOUNT]
                .contains(&error.error_code())
        }
        _ => false,
    }
}

fn addresses(url: &str) -> std::io::Result<Vec<ServerAddr>> {
    url.split(',').map(|one| one.trim().parse()).collect()
}

/// An address as it may be shown and logged.
fn without_password(url: &str) -> String {
    let one = |part: &str| match part.rsplit_once('@') {
        Some((before, host)) => match before.split_once("://") {
            Some((scheme, _)) => format!("{scheme}://{host}"),
            None => host.to_owned(),
        },
        None => part.to_owned(),
    };
    url.split(',').map(|part| one(part.trim())).collect::<Vec<_>>().join(",")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn passwords_are_not_shown() {
        assert_eq!(without_password("nats://me:secret@host:4222"), "nats://host:4222");
        assert_eq!(without_password("tls://token@a:1, nats://b:2"), "tls://a:1,nats://b:2");
    }
}
