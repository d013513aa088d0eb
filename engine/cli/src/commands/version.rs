//! `drsctl version`: what this binary is.

use drs_engine::store::codec::SCHEMA_VERSION;
use drs_engine_aws::VERSION;
use serde_json::json;

use crate::cli::Version;
use crate::failure::{Ending, Failure};
use crate::screen::Screen;

pub(crate) fn version(asked: &Version, screen: &mut Screen) -> Result<Ending, Failure> {
    let has_simulator = cfg!(feature = "simulator");
    if asked.output.is_json() {
        let told = json!({
            "version": VERSION,
            "schema_version": SCHEMA_VERSION,
            "simulator": has_simulator,
        });
        screen.print_raw(&format!("{told}\n"))?;
        return Ok(Ending::Success);
    }
    let simulator = if has_simulator { "with" } else { "without" };
    screen.print(&format!(
        "drsctl {VERSION}, histories up to schema version {SCHEMA_VERSION}, {simulator} the simulator"
    ))?;
    Ok(Ending::Success)
}
