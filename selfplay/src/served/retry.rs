//! When a busy server wants to be asked again.

use std::time::{Duration, SystemTime};

use chrono::DateTime;
use ureq::http::HeaderMap;
use ureq::http::header::RETRY_AFTER;

/// The pause that the header `Retry-After` asks for, as seconds or as a date; `None` if it asks for none that can be read.
pub(super) fn retry_after(headers: &HeaderMap, now: SystemTime) -> Option<Duration> {
    let text = headers.get(RETRY_AFTER)?.to_str().ok()?.trim();
    if let Ok(seconds) = text.parse() {
        return Some(Duration::from_secs(seconds));
    }
    let date = DateTime::parse_from_rfc2822(text).ok()?.timestamp();
    let date = SystemTime::UNIX_EPOCH + Duration::from_secs(u64::try_from(date).ok()?);
    Some(date.duration_since(now).unwrap_or_default())
}

#[cfg(test)]
mod tests {
    use ureq::http::HeaderValue;

    use super::*;

    #[test]
    fn a_pause_is_in_seconds_or_up_to_a_date() {
        let now = SystemTime::UNIX_EPOCH + Duration::from_secs(784_111_777);
        let pause = |text: &str| {
            let value: HeaderValue = text.parse().unwrap();
            let headers = HeaderMap::from_iter([(RETRY_AFTER, value)]);
            retry_after(&headers, now).map(|pause| pause.as_secs())
        };
        assert_eq!((pause("0"), pause(" 120 ")), (Some(0), Some(120)));
        assert_eq!(pause("Sun, 06 Nov 1994 08:50:07 GMT"), Some(30));
        assert_eq!(pause("Sun, 06 Nov 1994 08:40:00 GMT"), Some(0), "it is over");
        assert_eq!((pause("soon"), pause("-1")), (None, None));
        assert_eq!(retry_after(&HeaderMap::new(), now), None);
    }
}
