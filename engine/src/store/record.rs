//! The other items of a history: events, frozen servers, waves, servers, the owner's sign of life.

use jiff::Timestamp;

use crate::event::Recorded;
use crate::frozen::FrozenServer;
use crate::ids::{ExecutionId, OwnerId, ServerId, Target};
use crate::limits;
use crate::time::after;

use super::codec::{Decoder, Encoder, ReadError};
use super::items::Item;
use super::keys;
use super::projection::{ServerProjection, WaveProjection};

/// The last sign of life of an owner.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SignOfLife {
    /// The process.
    pub owner: OwnerId,
    /// Where it runs.
    pub host: String,
    /// When it last said that it lives, in wall time.
    pub at: Timestamp,
}

impl SignOfLife {
    /// Whether it is recent enough, at an instant of wall time, for its owner to count as alive.
    pub fn is_fresh(&self, wall: Timestamp) -> bool {
        is_recent(self.at, wall)
    }
}

/// Whether an owner that was last heard of then may still be alive. The one rule for takeovers and for what people see.
pub(crate) fn is_recent(heard: Timestamp, wall: Timestamp) -> bool {
    after(heard, limits::OWNER_SILENCE) > wall
}

pub(crate) fn encode_event(id: &ExecutionId, recorded: &Recorded, nonce: &str) -> Item {
    let encoder = Encoder::new(keys::event(id, recorded.seq))
        .number("Sequence", i64::try_from(recorded.seq).unwrap_or(i64::MAX))
        .time("At", recorded.now.wall)
        .text("WriterNonce", nonce);
    encoder.json("Event", recorded).done()
}

pub(crate) fn decode_event(item: &Item) -> Result<Recorded, ReadError> {
    Decoder::new(item)?.json("Event")
}

/// Who wrote an event: the outcome of a lost write is known by it.
pub(crate) fn nonce_of(item: &Item) -> Result<String, ReadError> {
    Decoder::new(item)?.text("WriterNonce")
}

pub(crate) fn encode_frozen(
    id: &ExecutionId,
    wave: usize,
    part: usize,
    servers: &[FrozenServer],
) -> Item {
    Encoder::new(keys::frozen(id, wave, part))
        .number("Wave", i64::try_from(wave).unwrap_or(i64::MAX))
        .json("Servers", &servers)
        .done()
}

pub(crate) fn decode_frozen(item: &Item) -> Result<(usize, Vec<FrozenServer>), ReadError> {
    let decoder = Decoder::new(item)?;
    let wave = usize::try_from(decoder.number("Wave")?).map_err(|_| decoder.foreign("Wave"))?;
    Ok((wave, decoder.json("Servers")?))
}

pub(crate) fn encode_wave(id: &ExecutionId, wave: &WaveProjection) -> Item {
    let encoder = Encoder::new(keys::wave(id, wave.index))
        .text("WaveName", &wave.name)
        .text("WaveStatus", &wave.status)
        .optional_time("WaveStartTime", wave.started_at)
        .optional_time("WaveEndTime", wave.ended_at)
        .number("Launched", i64::try_from(wave.launched).unwrap_or(i64::MAX))
        .number("Failed", i64::try_from(wave.failed).unwrap_or(i64::MAX))
        .number("Servers", i64::try_from(wave.servers).unwrap_or(i64::MAX));
    match wave.degraded {
        0 => encoder,
        degraded => encoder.number("Degraded", i64::try_from(degraded).unwrap_or(i64::MAX)),
    }
    .done()
}

pub(crate) fn decode_wave(item: &Item) -> Result<WaveProjection, ReadError> {
    let decoder = Decoder::new(item)?;
    let count =
        |name: &str| usize::try_from(decoder.number(name)?).map_err(|_| decoder.foreign(name));
    let index = after_prefix(item, keys::WAVE_PREFIX).and_then(|text| text.parse().ok());
    Ok(WaveProjection {
        index: index.ok_or_else(|| decoder.foreign("ItemKey"))?,
        name: decoder.text("WaveName")?,
        status: decoder.text("WaveStatus")?,
        started_at: decoder.optional_time("WaveStartTime")?,
        ended_at: decoder.optional_time("WaveEndTime")?,
        launched: count("Launched")?,
        failed: count("Failed")?,
        degraded: decoder
            .optional_number("Degraded")?
            .map_or(Ok(0), usize::try_from)
            .map_err(|_| decoder.foreign("Degraded"))?,
        servers: count("Servers")?,
    })
}

fn after_prefix<'a>(item: &'a Item, prefix: &str) -> Option<&'a str> {
    item.key.sort.as_deref()?.strip_prefix(prefix)
}

pub(crate) fn encode_server(id: &ExecutionId, server: &ServerProjection) -> Item {
    Encoder::new(keys::server(id, &server.id))
        .text("HostName", &server.hostname)
        .text("WaveName", &server.wave)
        .text("AccountId", &server.target.account_id)
        .text("Region", &server.target.region)
        .text("LaunchStatus", &server.status)
        .optional_text("Reason", server.reason.as_deref())
        .optional_text("JobId", server.job.as_deref())
        .optional_text("RecoveryInstanceId", server.instance.as_deref())
        .optional_text("Health", server.health.as_deref())
        .optional_text("HealthReason", server.health_reason.as_deref())
        .optional_time("HealthTime", server.checked_at)
        .done()
}

pub(crate) fn decode_server(item: &Item) -> Result<ServerProjection, ReadError> {
    let decoder = Decoder::new(item)?;
    let id = after_prefix(item, keys::SERVER_PREFIX);
    Ok(ServerProjection {
        id: ServerId::new(id.ok_or_else(|| decoder.foreign("ItemKey"))?),
        hostname: decoder.text("HostName")?,
        wave: decoder.text("WaveName")?,
        target: Target {
            account_id: decoder.text("AccountId")?,
            region: decoder.text("Region")?,
        },
        status: decoder.text("LaunchStatus")?,
        reason: decoder.optional_text("Reason")?,
        job: decoder.optional_text("JobId")?,
        instance: decoder.optional_text("RecoveryInstanceId")?,
        health: decoder.optional_text("Health")?,
        health_reason: decoder.optional_text("HealthReason")?,
        checked_at: decoder.optional_time("HealthTime")?,
    })
}

pub(crate) fn encode_owner(id: &ExecutionId, sign: &SignOfLife) -> Item {
    Encoder::new(keys::owner(id))
        .text("Owner", sign.owner.as_str())
        .text("Host", &sign.host)
        .number("AtMillis", sign.at.as_millisecond())
        .done()
}

pub(crate) fn decode_owner(item: &Item) -> Result<SignOfLife, ReadError> {
    let decoder = Decoder::new(item)?;
    let at = Timestamp::from_millisecond(decoder.number("AtMillis")?)
        .map_err(|_| decoder.foreign("AtMillis"))?;
    Ok(SignOfLife {
        owner: OwnerId::new(decoder.text("Owner")?),
        host: decoder.text("Host")?,
        at,
    })
}
