//! The fixers that there are: a command of the operator's, the Copilot CLI, and any endpoint that speaks as OpenAI's does.
//!
//! The last two talk to a provider that the operator chose; its key stays in this process. What any of them may change is decided after them, by
//! the difference that they leave; what is refused here already is refused so that a model hears of it.

mod answer;
mod command;
mod copilot;
mod limits;
mod openai;
mod place;
mod provider;
mod proxy;
mod upstream;

pub(crate) use self::command::CommandAgent;
pub(crate) use self::copilot::Copilot;
pub use self::copilot::{CopilotAccount, CopilotConfig, CopilotError, CopilotProbe, probe as probe_copilot};
pub(crate) use self::openai::OpenAi;
pub use self::openai::OpenAiConfig;
pub use self::provider::{InvalidProvider, Provider, ProviderKey, WireApi};

#[cfg(test)]
#[path = "../tests/model/mod.rs"]
mod model;
