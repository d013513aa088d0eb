//! The configuration file: small, YAML, and read whole or not at all.

use std::fs::File;
use std::io::Read;
use std::path::{Path, PathBuf};

use thiserror::Error;

use super::Settings;
use crate::limits;

/// The file that is read when it is there and no other was named.
const DEFAULT_FILE: &str = "drs.yaml";

/// Why the configuration file could not be used.
#[derive(Debug, Error)]
pub enum SettingsError {
    /// It cannot be read.
    #[error(
        "The configuration file {path} cannot be read: {source}. It was named by {named_by}; name a file that exists, \
         or none"
    )]
    Unreadable {
        /// The file.
        path: PathBuf,
        /// What named it.
        named_by: &'static str,
        /// Why.
        source: std::io::Error,
    },
    /// It does not make sense.
    #[error("The configuration file {path} does not make sense: {problem}")]
    Invalid {
        /// The file.
        path: PathBuf,
        /// What is wrong, and where.
        problem: String,
    },
}

/// Reads the file that `DRS_CONFIG` names, else the default one where there is one.
pub(super) fn load(variable: &dyn Fn(&str) -> Option<String>) -> Result<Settings, SettingsError> {
    let named = variable("DRS_CONFIG").filter(|path| !path.is_empty());
    let Some(path) = named else {
        let is_there = Path::new(DEFAULT_FILE).exists();
        return if is_there {
            from_file(DEFAULT_FILE.into(), "its place, the present folder")
        } else {
            Ok(Settings::default())
        };
    };
    from_file(path.into(), "DRS_CONFIG")
}

/// Reads one file.
pub(super) fn from_file(path: PathBuf, named_by: &'static str) -> Result<Settings, SettingsError> {
    let text = match read(&path) {
        Ok(text) => text,
        Err(source) => {
            return Err(SettingsError::Unreadable {
                path,
                named_by,
                source,
            });
        }
    };
    parse(&text).map_err(|problem| SettingsError::Invalid { path, problem })
}

/// Parses the text of a file; an empty one sets nothing.
pub(super) fn parse(text: &str) -> Result<Settings, String> {
    let settings: Option<Settings> =
        serde_norway::from_str(text).map_err(|error| error.to_string())?;
    Ok(settings.unwrap_or_default())
}

fn read(path: &Path) -> std::io::Result<String> {
    let mut text = String::new();
    File::open(path)?
        .take(limits::SETTINGS_FILE_BYTES + 1)
        .read_to_string(&mut text)?;
    if text.len() as u64 > limits::SETTINGS_FILE_BYTES {
        return Err(std::io::Error::other(format!(
            "it has more than {} bytes",
            limits::SETTINGS_FILE_BYTES
        )));
    }
    Ok(text)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_empty_file_sets_nothing_and_a_misspelt_word_is_named() {
        assert_eq!(parse("").expect("an empty file"), Settings::default());
        assert_eq!(
            parse("# nothing\n").expect("a comment"),
            Settings::default()
        );
        let problem = parse("regoin: eu-west-1").expect_err("a misspelt word");
        assert!(problem.contains("regoin"), "{problem}");
    }

    #[test]
    fn a_named_file_must_exist() {
        let variable = |name: &str| (name == "DRS_CONFIG").then(|| "/no/such/drs.yaml".to_owned());
        let error = load(&variable).expect_err("there is no such file");
        let text = error.to_string();
        assert!(
            text.contains("/no/such/drs.yaml") && text.contains("DRS_CONFIG"),
            "{text}"
        );
    }
}
