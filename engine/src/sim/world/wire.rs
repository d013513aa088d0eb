//! How values look on the wire: times, durations and ARNs.

use jiff::tz::Offset;
use jiff::{SignedDuration, Timestamp};
use serde_json::Value;

use super::error::ApiError;

/// A time as DRS sends it: microseconds and an offset, `2022-12-07T19:15:38.846723+00:00`.
pub(super) fn time_text(at: Timestamp) -> String {
    Offset::UTC
        .to_datetime(at)
        .strftime("%Y-%m-%dT%H:%M:%S%.6f+00:00")
        .to_string()
}

/// A time cut to the microseconds that the wire has, so that what is sent and what is compared are the same.
pub(super) fn to_micros(at: Timestamp) -> Timestamp {
    Timestamp::from_microsecond(at.as_microsecond()).unwrap_or(at)
}

/// A duration in ISO 8601 with days, `P2DT1H32M12.136909S`; `P0D` when there is none.
pub(super) fn duration_text(duration: SignedDuration) -> String {
    let micros = duration.as_micros().max(0);
    if micros == 0 {
        return "P0D".to_owned();
    }
    let (seconds, fraction) = (micros / 1_000_000, micros % 1_000_000);
    let (days, hours) = (seconds / 86_400, seconds / 3_600 % 24);
    let (minutes, seconds) = (seconds / 60 % 60, seconds % 60);
    let mut text = "P".to_owned();
    if days > 0 {
        text += &format!("{days}D");
    }
    text.push('T');
    if hours > 0 {
        text += &format!("{hours}H");
    }
    if hours > 0 || minutes > 0 {
        text += &format!("{minutes}M");
    }
    if fraction > 0 {
        text += &format!("{seconds}.{fraction:06}S");
    } else {
        text += &format!("{seconds}S");
    }
    text
}

/// A time as a caller writes it, with `Z` or an offset.
pub(super) fn parse_time(member: &str, text: &str) -> Result<Timestamp, ApiError> {
    text.parse().map_err(|_| {
        ApiError::validation(&[(
            member.to_owned(),
            format!("`{text}` is not a date and time"),
        )])
    })
}

/// An object without the members that are null: DRS leaves out what is absent.
pub(super) fn present<const N: usize>(members: [(&str, Value); N]) -> Value {
    let present = members.into_iter().filter(|(_, value)| !value.is_null());
    Value::Object(
        present
            .map(|(name, value)| (name.to_owned(), value))
            .collect(),
    )
}

/// The ARN of a DRS resource.
pub(super) fn arn(region: &str, account_id: &str, kind: &str, id: &str) -> String {
    let partition = partition(region);
    format!("arn:{partition}:drs:{region}:{account_id}:{kind}/{id}")
}

/// The partition of a Region.
pub fn partition(region: &str) -> &'static str {
    if region.starts_with("us-gov-") {
        "aws-us-gov"
    } else if region.starts_with("eusc-") {
        "aws-eusc"
    } else {
        "aws"
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times_have_microseconds_and_an_offset() {
        let at: Timestamp = "2022-12-07T19:15:38.846723Z".parse().unwrap();
        assert_eq!(time_text(at), "2022-12-07T19:15:38.846723+00:00");
        let whole: Timestamp = "2022-12-07T19:15:38Z".parse().unwrap();
        assert_eq!(time_text(whole), "2022-12-07T19:15:38.000000+00:00");
    }

    #[test]
    fn durations_are_those_that_drs_sends() {
        let micros =
            |days: i64, text: i64| SignedDuration::from_micros(days * 86_400_000_000 + text);
        assert_eq!(duration_text(micros(0, 0)), "P0D");
        assert_eq!(duration_text(micros(0, 7_200_000_000)), "PT2H0M0S");
        assert_eq!(
            duration_text(micros(2, 5_532_136_909)),
            "P2DT1H32M12.136909S"
        );
        assert_eq!(duration_text(micros(0, 90_000_000)), "PT1M30S");
    }
}
