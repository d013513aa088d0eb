//! Settings of tables that the embedded database does not keep: point-in-time recovery, and encryption that was changed
//! after the table was made. They are in the store's state.

use jiff::Timestamp;
use serde_json::{Value, json};

use super::{Call, Failure, Operation, Place, describe_request, missing, table_not_found, text};
use crate::service::Visit;
use crate::state::{Change, Encryption, TableSettings};

/// For how many days recovery goes back when nobody says; also the most.
const RECOVERY_DAYS: u32 = 35;

impl Call<'_> {
    /// Turns point-in-time recovery on or off.
    pub(super) fn update_recovery(
        &self,
        visit: &mut Visit<'_, '_>,
        input: &Value,
    ) -> Result<String, Failure> {
        self.expect_table(visit, input)?;
        let specification = &input["PointInTimeRecoverySpecification"];
        let Some(enabled) = specification["PointInTimeRecoveryEnabled"].as_bool() else {
            return Err(
                missing("pointInTimeRecoverySpecification.pointInTimeRecoveryEnabled").into(),
            );
        };
        let days = specification["RecoveryPeriodInDays"].as_u64();
        let key = Place::of(visit).table_key(input);
        let mut settings = stored(visit, &key);
        settings.recovery_since = enabled.then(|| settings.recovery_since.unwrap_or(visit.wall));
        settings.recovery_days = days
            .and_then(|days| u32::try_from(days).ok())
            .filter(|_| enabled);
        let answer = recovery(&settings, visit.wall);
        keep(visit, &key, settings);
        Ok(text(answer))
    }

    /// Says whether point-in-time recovery is on.
    pub(super) fn describe_recovery(
        &self,
        visit: &mut Visit<'_, '_>,
        input: &Value,
    ) -> Result<String, Failure> {
        self.expect_table(visit, input)?;
        let key = Place::of(visit).table_key(input);
        Ok(text(recovery(&stored(visit, &key), visit.wall)))
    }

    /// Updates a table. The database does not know a change of encryption, so that is taken out of the request.
    pub(super) fn update_table(
        &self,
        visit: &mut Visit<'_, '_>,
        mut input: Value,
    ) -> Result<String, Failure> {
        let key = Place::of(visit).table_key(&input);
        let encryption = input
            .as_object_mut()
            .and_then(|members| members.remove("SSESpecification"));
        let nothing_else = input.as_object().is_some_and(|members| members.len() <= 1);
        let output = if encryption.is_some() && nothing_else {
            let described = self.run(visit, Operation::DescribeTable, &describe_request(&input))?;
            let mut described: Value = serde_json::from_str(&described).unwrap_or_default();
            text(json!({"TableDescription": described["Table"].take()}))
        } else {
            self.run(visit, Operation::UpdateTable, &input)?
        };
        if let Some(encryption) = encryption {
            let mut settings = stored(visit, &key);
            settings.encryption = Some(Encryption {
                enabled: encryption["Enabled"].as_bool().unwrap_or(false),
                key_id: encryption["KMSMasterKeyId"].as_str().map(str::to_owned),
            });
            keep(visit, &key, settings);
        }
        Ok(described(visit, &key, output))
    }

    fn expect_table(&self, visit: &Visit<'_, '_>, input: &Value) -> Result<(), Failure> {
        let described = self.run(visit, Operation::DescribeTable, &describe_request(input));
        match described {
            Ok(_) => Ok(()),
            Err(Failure::Database(dynoxide::DynoxideError::ResourceNotFoundException(_))) => {
                Err(table_not_found(input).into())
            }
            Err(other) => Err(other),
        }
    }
}

/// Forgets what is kept of a table.
pub(super) fn forget(visit: &mut Visit<'_, '_>, key: &str) {
    if visit.session.state().tables.contains_key(key) {
        visit.session.change(Change::Table {
            table: key.to_owned(),
            settings: None,
        });
    }
}

/// The description of a table with the settings that are kept here.
pub(super) fn described(visit: &mut Visit<'_, '_>, key: &str, output: String) -> String {
    let Some(encryption) = stored(visit, key).encryption else {
        return output;
    };
    let Ok(mut value) = serde_json::from_str::<Value>(&output) else {
        return output;
    };
    let place = Place::of(visit);
    for member in ["Table", "TableDescription"] {
        if let Some(table) = value.get_mut(member).and_then(Value::as_object_mut) {
            if encryption.enabled {
                table.insert(
                    "SSEDescription".to_owned(),
                    encryption_view(&place, &encryption),
                );
            } else {
                // A table with AWS's own key has no such member.
                table.remove("SSEDescription");
            }
        }
    }
    text(value)
}

fn encryption_view(place: &Place, encryption: &Encryption) -> Value {
    let key = encryption.key_id.as_deref().unwrap_or("alias/aws/dynamodb");
    let arn = if key.starts_with("arn:") {
        key.to_owned()
    } else {
        let path = if key.starts_with("alias/") {
            key.to_owned()
        } else {
            format!("key/{key}")
        };
        format!("arn:aws:kms:{}:{}:{path}", place.region, place.account_id)
    };
    json!({"Status": "ENABLED", "SSEType": "KMS", "KMSMasterKeyArn": arn})
}

fn recovery(settings: &TableSettings, now: Timestamp) -> Value {
    let mut description = json!({"PointInTimeRecoveryStatus": "DISABLED"});
    if let Some(since) = settings.recovery_since {
        let days = settings.recovery_days.unwrap_or(RECOVERY_DAYS);
        description = json!({
            "PointInTimeRecoveryStatus": "ENABLED",
            "RecoveryPeriodInDays": days,
            "EarliestRestorableDateTime": since.as_second(),
            "LatestRestorableDateTime": now.as_second(),
        });
    }
    json!({"ContinuousBackupsDescription": {
        "ContinuousBackupsStatus": "ENABLED",
        "PointInTimeRecoveryDescription": description,
    }})
}

fn stored(visit: &mut Visit<'_, '_>, key: &str) -> TableSettings {
    visit
        .session
        .state()
        .tables
        .get(key)
        .cloned()
        .unwrap_or_default()
}

fn keep(visit: &mut Visit<'_, '_>, key: &str, settings: TableSettings) {
    visit.session.change(Change::Table {
        table: key.to_owned(),
        settings: Some(settings),
    });
}
