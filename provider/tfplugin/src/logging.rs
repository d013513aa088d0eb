//! Logs as hosts read them: one JSON object per line on stderr.
//!
//! Hosts parse the lines, print what their own level lets through, and can crash on a malformed one,
//! so the three `@` keys are always text and no field can replace them.

use std::{
    fmt::{self, Write as _},
    io::Write as _,
    time::{SystemTime, UNIX_EPOCH},
};

use serde_json::{Map, Value as Json};
use tracing::{
    Event, Level, Metadata, Subscriber,
    field::{Field, Visit},
    span,
};
use tracing_subscriber::{
    Layer,
    filter::LevelFilter,
    layer::{Context, SubscriberExt as _},
    registry::LookupSpan,
    util::SubscriberInitExt as _,
};

use crate::limits::{MAX_LOG_FIELD_BYTES, MAX_LOG_LINE_BYTES};

/// Crates below the provider whose own debug output would drown it, and might show secrets.
const QUIET: [&str; 9] = [
    "aws_", "h2", "hyper", "mio", "reqwest", "rustls", "tokio", "tonic", "tower",
];

/// Sends the logs of this process to the host, and panics with them.
///
/// The level comes from `TF_LOG_PROVIDER_<NAME>`, `TF_LOG_PROVIDER` or `TF_LOG`. When none is set,
/// only errors are written.
pub(crate) fn init(address: &str) {
    let module = module(address);
    let name = address
        .rsplit('/')
        .next()
        .unwrap_or_default()
        .to_uppercase()
        .replace('-', "_");
    let level = level(|variable| std::env::var(variable).ok(), &name);
    // Only a second call in one process fails, and then logs already work.
    let _ = tracing_subscriber::registry()
        .with(Hclog { module, level })
        .try_init();
    std::panic::set_hook(Box::new(|info| {
        let at = info.location().map(ToString::to_string).unwrap_or_default();
        let reason = info.payload_as_str().unwrap_or("no reason given");
        tracing::error!(at, "panicked: {reason}");
    }));
}

/// Writes plain text for a person to stderr. A closed stderr is no reason to fail.
pub(crate) fn write_line(text: &str) {
    let _ = writeln!(std::io::stderr().lock(), "{text}");
}

/// The name that hosts show before each line: the last part of the address, as a binary is named.
fn module(address: &str) -> String {
    format!(
        "terraform-provider-{}",
        address.rsplit('/').next().unwrap_or_default()
    )
}

fn level(variable: impl Fn(&str) -> Option<String>, name: &str) -> LevelFilter {
    let chosen = [
        format!("TF_LOG_PROVIDER_{name}"),
        "TF_LOG_PROVIDER".into(),
        "TF_LOG".into(),
    ]
    .iter()
    .find_map(|key| variable(key).filter(|value| !value.is_empty()));
    match chosen.unwrap_or_default().to_ascii_uppercase().as_str() {
        "TRACE" | "JSON" => LevelFilter::TRACE,
        "DEBUG" => LevelFilter::DEBUG,
        "INFO" => LevelFilter::INFO,
        "WARN" => LevelFilter::WARN,
        // An unknown level means the most to hosts.
        "" | "ERROR" | "OFF" => LevelFilter::ERROR,
        _ => LevelFilter::TRACE,
    }
}

/// The layer that writes the lines.
struct Hclog {
    module: String,
    level: LevelFilter,
}

impl Hclog {
    fn wants(&self, metadata: &Metadata<'_>) -> bool {
        let quiet = QUIET
            .iter()
            .any(|prefix| metadata.target().starts_with(prefix));
        let level = if quiet {
            self.level.min(LevelFilter::WARN)
        } else {
            self.level
        };
        *metadata.level() <= level
    }
}

impl<S: Subscriber + for<'a> LookupSpan<'a>> Layer<S> for Hclog {
    fn enabled(&self, metadata: &Metadata<'_>, _: Context<'_, S>) -> bool {
        self.wants(metadata)
    }

    fn on_new_span(&self, attributes: &span::Attributes<'_>, id: &span::Id, cx: Context<'_, S>) {
        if let Some(span) = cx.span(id) {
            let mut fields = Fields::default();
            attributes.record(&mut fields);
            span.extensions_mut().insert(fields);
        }
    }

    fn on_record(&self, id: &span::Id, values: &span::Record<'_>, cx: Context<'_, S>) {
        if let Some(span) = cx.span(id)
            && let Some(fields) = span.extensions_mut().get_mut::<Fields>()
        {
            values.record(fields);
        }
    }

    fn on_event(&self, event: &Event<'_>, cx: Context<'_, S>) {
        let mut fields = Fields::default();
        for span in cx
            .event_scope(event)
            .into_iter()
            .flat_map(|scope| scope.from_root())
        {
            if let Some(outer) = span.extensions().get::<Fields>() {
                fields.entries.extend(outer.entries.clone());
            }
        }
        event.record(&mut fields);
        let line = line(
            *event.metadata().level(),
            &self.module,
            SystemTime::now(),
            fields,
        );
        write_line(&line);
    }
}

/// The fields of a span or an event.
#[derive(Clone, Default)]
struct Fields {
    message: String,
    entries: Map<String, Json>,
}

impl Fields {
    fn put(&mut self, field: &Field, value: Json) {
        // A key with an at sign would stand for the line itself.
        let name = field.name().trim_start_matches('@');
        self.entries.insert(name.to_owned(), value);
    }
}

impl Visit for Fields {
    fn record_str(&mut self, field: &Field, value: &str) {
        if field.name() == "message" {
            self.message = value.to_owned();
        } else {
            self.put(field, cut(value).into());
        }
    }

    fn record_i64(&mut self, field: &Field, value: i64) {
        self.put(field, value.into());
    }

    fn record_u64(&mut self, field: &Field, value: u64) {
        self.put(field, value.into());
    }

    fn record_bool(&mut self, field: &Field, value: bool) {
        self.put(field, value.into());
    }

    fn record_debug(&mut self, field: &Field, value: &dyn fmt::Debug) {
        let mut text = String::new();
        let _ = write!(text, "{value:?}");
        self.record_str(field, &text);
    }
}

/// One line of log, without its end.
fn line(level: Level, module: &str, now: SystemTime, fields: Fields) -> String {
    let level = match level {
        Level::TRACE => "trace",
        Level::DEBUG => "debug",
        Level::INFO => "info",
        Level::WARN => "warn",
        Level::ERROR => "error",
    };
    let mut object = fields.entries;
    object.insert("@level".into(), level.into());
    object.insert("@message".into(), cut(&fields.message).into());
    object.insert("@module".into(), module.into());
    object.insert("@timestamp".into(), timestamp(now).into());
    let line = Json::Object(object.clone()).to_string();
    if line.len() <= MAX_LOG_LINE_BYTES {
        return line;
    }
    object.retain(|key, _| key.starts_with('@'));
    object.insert("fields".into(), "left out: the line was too long".into());
    Json::Object(object).to_string()
}

/// The beginning of a long text.
fn cut(text: &str) -> &str {
    let mut end = text.len().min(MAX_LOG_FIELD_BYTES);
    while !text.is_char_boundary(end) {
        end -= 1;
    }
    &text[..end]
}

/// UTC with exactly six digits after the second: with any other number hosts do not parse the line.
fn timestamp(now: SystemTime) -> String {
    let since = now.duration_since(UNIX_EPOCH).unwrap_or_default();
    let (days, second) = (since.as_secs() / 86_400, since.as_secs() % 86_400);
    let (year, month, day) = civil(days);
    format!(
        "{year:04}-{month:02}-{day:02}T{:02}:{:02}:{:02}.{:06}Z",
        second / 3600,
        second / 60 % 60,
        second % 60,
        since.subsec_micros()
    )
}

/// The date of a day counted from 1970-01-01, in the Gregorian calendar.
fn civil(days: u64) -> (u64, u64, u64) {
    // Years are counted from March, so that the leap day is the last of a year, in eras of 400 years.
    let days = days + 719_468;
    let (era, day_of_era) = (days / 146_097, days % 146_097);
    let year_of_era =
        (day_of_era - day_of_era / 1_460 + day_of_era / 36_524 - day_of_era / 146_096) / 365;
    let day_of_year = day_of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
    let shifted = (5 * day_of_year + 2) / 153;
    let day = day_of_year - (153 * shifted + 2) / 5 + 1;
    let month = if shifted < 10 {
        shifted + 3
    } else {
        shifted - 9
    };
    let year = era * 400 + year_of_era + u64::from(month <= 2);
    (year, month, day)
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;

    #[test]
    fn timestamps_have_six_digits() {
        let cases = [
            (0, 0, "1970-01-01T00:00:00.000000Z"),
            (951_782_400, 5, "2000-02-29T00:00:00.000005Z"),
            (1_795_530_062, 123_456, "2026-11-24T14:21:02.123456Z"),
        ];
        for (seconds, micros, text) in cases {
            let now = UNIX_EPOCH + Duration::from_secs(seconds) + Duration::from_micros(micros);
            assert_eq!(timestamp(now), text);
        }
    }

    #[test]
    fn a_line_keeps_its_own_keys_and_its_limit() {
        let mut fields = Fields {
            message: "x".repeat(100_000),
            entries: Map::new(),
        };
        for index in 0..20 {
            fields
                .entries
                .insert(format!("f{index}"), "y".repeat(8_000).into());
        }
        fields.entries.insert("@level".into(), 7.into());
        let line = line(Level::WARN, "m", UNIX_EPOCH, fields);
        assert!(line.len() < 64 << 10);
        let json: Json = serde_json::from_str(&line).unwrap();
        assert_eq!(json["@level"], "warn");
        assert!(json["@message"].is_string() && json["@timestamp"].is_string());
    }

    #[test]
    fn the_level_comes_from_the_most_specific_variable() {
        let level = |pairs: &[(&str, &str)]| {
            level(
                |name| {
                    pairs
                        .iter()
                        .find(|(key, _)| *key == name)
                        .map(|(_, v)| (*v).to_owned())
                },
                "DRS",
            )
        };
        assert_eq!(level(&[]), LevelFilter::ERROR);
        assert_eq!(level(&[("TF_LOG", "info")]), LevelFilter::INFO);
        assert_eq!(
            level(&[("TF_LOG", "info"), ("TF_LOG_PROVIDER", "debug")]),
            LevelFilter::DEBUG
        );
        assert_eq!(
            level(&[("TF_LOG_PROVIDER_DRS", "warn"), ("TF_LOG", "trace")]),
            LevelFilter::WARN
        );
    }
}
