//! A command of the user's: started without a shell, told on its standard input and in its environment.

use std::fmt;
use std::process::Stdio;
use std::time::Duration;

use futures::future::BoxFuture;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::process::{Child, ChildStderr};

use super::{Notice, NotifyError, Sink};

/// How long it may run before it is stopped.
const PATIENCE: Duration = Duration::from_secs(30);
/// Of what it says on standard error, for the one who looks why it failed. **Bytes**.
const MAX_SAID: u64 = 400;
/// What a command leaves running in the background may keep its standard error open; that is not waited for longer.
const MOMENT: Duration = Duration::from_millis(300);
/// Begins the names of the variables. Those the program has itself (the vault's passphrase among them) are not handed on.
const PREFIX: &str = "CASTELLAN_";

/// A program with its arguments. The notice's document is its standard input, with a line break at the end; the notice's variables are
/// in its environment, with `CASTELLAN_` before their names. What it prints is not read.
#[derive(Clone, PartialEq, Eq)]
pub struct Command {
    program: String,
    arguments: Vec<String>,
    patience: Duration,
}

impl Command {
    /// Reads a command line; see [`split`].
    ///
    /// # Errors
    /// It is empty, or a quotation mark is open.
    pub fn new(line: &str) -> Result<Self, NotifyError> {
        let mut words = split(line)?.into_iter();
        let program = words.next().filter(|program| !program.is_empty());
        Ok(Self {
            program: program.ok_or(NotifyError::NoCommand)?,
            arguments: words.collect(),
            patience: PATIENCE,
        })
    }

    /// Stops it sooner or later than after thirty seconds.
    #[must_use]
    pub fn within(self, patience: Duration) -> Self {
        Self { patience, ..self }
    }

    async fn run(&self, notice: Notice) -> Result<(), NotifyError> {
        let mut child = self.start(&notice)?;
        let run = finish(&mut child, notice.document);
        let Ok(ended) = tokio::time::timeout(self.patience, run).await else {
            // It may have ended just now; either way it is gone when this returns.
            let _ = child.kill().await;
            return Err(NotifyError::Killed {
                program: self.program.clone(),
                seconds: self.patience.as_secs(),
            });
        };
        let (status, said) = ended.map_err(|error| self.not_started(&error))?;
        if status.success() {
            return Ok(());
        }
        Err(NotifyError::Failed {
            program: self.program.clone(),
            code: status
                .code()
                .map_or_else(|| "a signal".to_owned(), |code| code.to_string()),
            said,
        })
    }

    fn start(&self, notice: &Notice) -> Result<Child, NotifyError> {
        let mut command = tokio::process::Command::new(&self.program);
        command
            .args(&self.arguments)
            .stdin(Stdio::piped())
            .stdout(Stdio::null())
            .stderr(Stdio::piped())
            .kill_on_drop(true);
        for (name, _) in std::env::vars_os() {
            if name.to_string_lossy().starts_with(PREFIX) {
                command.env_remove(name);
            }
        }
        for (name, value) in &notice.variables {
            // No variable can hold a zero byte.
            command.env(format!("{PREFIX}{name}"), value.replace('\0', " "));
        }
        command.spawn().map_err(|error| self.not_started(&error))
    }

    fn not_started(&self, error: &std::io::Error) -> NotifyError {
        NotifyError::NotStarted {
            program: self.program.clone(),
            kind: error.kind(),
        }
    }
}

/// Hands the document over and waits for the end; what was said on standard error, as far as it is there by then.
async fn finish(child: &mut Child, document: String) -> std::io::Result<(std::process::ExitStatus, String)> {
    let stdin = child.stdin.take();
    let said = child.stderr.take().map(|stderr| tokio::spawn(hear(stderr)));
    let write = async {
        if let Some(mut stdin) = stdin {
            // A command that does not read is none the worse for it.
            let _ = stdin.write_all(format!("{document}\n").as_bytes()).await;
        }
    };
    let (status, ()) = tokio::join!(child.wait(), write);
    let said = match said {
        Some(said) => tokio::time::timeout(MOMENT, said).await,
        None => Ok(Ok(String::new())),
    };
    Ok((status?, said.ok().and_then(Result::ok).unwrap_or_default()))
}

async fn hear(mut stderr: ChildStderr) -> String {
    let mut bytes = Vec::new();
    let _ = (&mut stderr).take(MAX_SAID).read_to_end(&mut bytes).await;
    // The rest is read too, or the command would wait for ever.
    let _ = tokio::io::copy(&mut stderr, &mut tokio::io::sink()).await;
    let text = String::from_utf8_lossy(&bytes);
    let line: Vec<&str> = text.split_whitespace().collect();
    line.join(" ")
}

/// Splits a command line into words, without a shell: words are separated by spaces; what stands between two `"` or between two `'` is
/// taken as it is, spaces included. There are no variables, no wildcards, and a backslash is a letter like any other (Windows' paths).
///
/// # Errors
/// [`NotifyError::OpenQuote`]
pub fn split(line: &str) -> Result<Vec<String>, NotifyError> {
    let mut words = Vec::new();
    let mut word: Option<String> = None;
    let mut letters = line.chars();
    while let Some(letter) = letters.next() {
        match letter {
            quote @ ('"' | '\'') => {
                let word = word.get_or_insert_default();
                loop {
                    match letters.next() {
                        Some(letter) if letter == quote => break,
                        Some(letter) => word.push(letter),
                        None => return Err(NotifyError::OpenQuote),
                    }
                }
            }
            letter if letter.is_whitespace() => words.extend(word.take()),
            letter => word.get_or_insert_default().push(letter),
        }
    }
    words.extend(word);
    Ok(words)
}

impl fmt::Debug for Command {
    /// Arguments may hold a token.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Command({})", self.program)
    }
}

impl Sink for Command {
    fn name(&self) -> String {
        format!("command {}", self.program)
    }

    fn tell(&self, notice: Notice) -> BoxFuture<'_, Result<(), NotifyError>> {
        Box::pin(self.run(notice))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn words_are_split_at_spaces_and_quotes_keep_them_together() {
        let words = |line| split(line).unwrap();
        assert_eq!(
            words("mail -s \"a masternode\" me"),
            ["mail", "-s", "a masternode", "me"]
        );
        assert_eq!(words("  a   b\tc "), ["a", "b", "c"]);
        assert_eq!(
            words(r#"C:\tools\tell.exe '"quoted"' x"y z"w ''"#),
            [r"C:\tools\tell.exe", "\"quoted\"", "xy zw", ""]
        );
        assert_eq!(words("$HOME `id` *;|>"), ["$HOME", "`id`", "*;|>"]);
        assert_eq!(split("a 'b"), Err(NotifyError::OpenQuote));
        assert_eq!(Command::new(" "), Err(NotifyError::NoCommand));
        assert_eq!(Command::new("''"), Err(NotifyError::NoCommand));
    }

    #[test]
    fn arguments_are_in_no_text_of_it() {
        let command = Command::new("/bin/tell --token s3cret").unwrap();
        for text in [format!("{command:?}"), command.name()] {
            assert!(text.contains("/bin/tell") && !text.contains("s3cret"), "{text}");
        }
    }

    #[cfg(unix)]
    mod run {
        use super::*;
        use crate::notify::Urgency;

        fn notice() -> Notice {
            Notice {
                title: "t".to_owned(),
                body: "b".to_owned(),
                urgency: Urgency::Normal,
                document: r#"{"kind":"status"}"#.to_owned(),
                variables: vec![("KIND", "status".to_owned()), ("NAME", "a \"b\" $c".to_owned())],
            }
        }

        #[tokio::test]
        async fn it_reads_the_document_and_the_variables() {
            let folder = tempfile::tempdir().unwrap();
            let (script, out) = (folder.path().join("tell me.sh"), folder.path().join("out"));
            std::fs::write(
                &script,
                "cat > \"$1\"; printf '%s|%s' \"$CASTELLAN_KIND\" \"$CASTELLAN_NAME\" >> \"$1\"",
            )
            .unwrap();
            let line = format!("sh \"{}\" \"{}\"", script.display(), out.display());
            assert_eq!(Command::new(&line).unwrap().tell(notice()).await, Ok(()));
            let text = std::fs::read_to_string(&out).unwrap();
            assert_eq!(text, "{\"kind\":\"status\"}\nstatus|a \"b\" $c");
        }

        #[tokio::test]
        async fn what_it_says_when_it_fails_is_told() {
            let command = Command::new("sh -c \"echo no such user >&2; exit 3\"").unwrap();
            let failed = NotifyError::Failed {
                program: "sh".to_owned(),
                code: "3".to_owned(),
                said: "no such user".to_owned(),
            };
            assert_eq!(command.tell(notice()).await, Err(failed));
            let none = Command::new("/nowhere/at/all").unwrap().tell(notice()).await;
            assert!(matches!(none, Err(NotifyError::NotStarted { .. })), "{none:?}");
        }

        #[tokio::test]
        async fn one_that_does_not_end_is_stopped() {
            let folder = tempfile::tempdir().unwrap();
            let pid = folder.path().join("pid");
            let line = format!("sh -c 'echo $$ > {}; exec sleep 60'", pid.display());
            let command = Command::new(&line).unwrap().within(Duration::from_millis(500));
            let told = command.tell(notice()).await;
            assert!(matches!(told, Err(NotifyError::Killed { .. })), "{told:?}");
            #[cfg(target_os = "linux")]
            {
                let number = std::fs::read_to_string(&pid).unwrap();
                assert!(!std::path::Path::new("/proc").join(number.trim()).exists());
            }
        }

        #[tokio::test]
        async fn one_that_reads_nothing_and_says_much_is_no_trouble() {
            let mut notice = notice();
            notice.document = "x".repeat(1 << 20);
            let command = Command::new(
                "sh -c 'i=0; while [ $i -lt 3000 ]; do echo 0123456789012345678901234567890123456789 >&2; i=$((i+1)); done'",
            );
            assert_eq!(command.unwrap().tell(notice).await, Ok(()));
        }
    }
}
