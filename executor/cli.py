"""The command line: which commands there are, and where each of them stands.

Nothing is imported here but click: the processes of an instance start by this module, and a
failover waits for them; and whoever completes a word in a shell waits as well.
"""

from __future__ import annotations

from typing import Final

import click

from executor import __version__
from executor.commands.later import Later, LaterGroup

#: In the order in which help shows them: the service, its jobs, their runs, files, access.
_LATER: Final = {
    "serve": Later(
        "executor.commands.processes:serve",
        "Run an instance: web and executor, each as a process of its own",
    ),
    "web": Later("executor.commands.processes:web", "Run the web process alone"),
    "executor": Later(
        "executor.commands.processes:executor",
        "Run the executor process alone; it waits for the token, then fires the jobs",
    ),
    "worker": Later(
        "executor.commands.worker:worker",
        "Run the @job functions of MODULE for jobs whose target is `message`",
    ),
    "config": Later(
        "executor.commands.config:config", "Show the settings in force, without secrets"
    ),
    "jobs": Later("executor.commands.jobs:command", "Look at jobs, make, change and run them"),
    "runs": Later(
        "executor.commands.runs:command", "Look at runs, at what they say, and cancel them"
    ),
    "backfill": Later(
        "executor.commands.backfill:backfill",
        "Run fire times of the past of which there is no record",
    ),
    "next": Later(
        "executor.commands.next_times:next_times",
        "Say when a schedule fires next, and what may surprise about it",
    ),
    "status": Later(
        "executor.commands.status:status", "Show who executes, who could, and how late runs start"
    ),
    "why": Later(
        "executor.commands.why:why", "Tell why JOB (name or id) did or did not run at an instant"
    ),
    "run": Later("executor.commands.run:run", "Run one command as a job would, here and now"),
    "apply": Later(
        "executor.commands.apply:command", "Create and change jobs so that they are as files say"
    ),
    "export": Later(
        "executor.commands.export:command",
        "Write all jobs as documents that `solocron apply` takes",
    ),
    "import": Later(
        "executor.commands.imports:command", "Take over jobs of cron, Kala or simple-scheduler"
    ),
    "login": Later(
        "executor.commands.login:login", "Log in to the service at URL, at its identity provider"
    ),
    "logout": Later(
        "executor.commands.login:logout",
        "Forget the login to the service at URL, here and at its identity provider",
    ),
    "token": Later(
        "executor.commands.tokens:token",
        "Make, list and revoke API tokens, on a machine of the service",
    ),
    "doctor": Later(
        "executor.commands.doctor:doctor",
        "Look for what is wrong with this installation, and say what to do",
    ),
    "demo": Later(
        "executor.commands.demo:demo", "Make a few lively jobs to look at, or delete them again"
    ),
    "completion": Later(
        "executor.commands.completion:completion",
        "Print what completes commands, options and names of jobs in a shell",
    ),
}


@click.group(cls=LaterGroup, later=_LATER, context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(__version__, prog_name="solocron", message="%(prog)s %(version)s")
def main() -> None:
    """A highly available cron service.

    \b
    First steps; each command shows more with --help:
      solocron serve                             the service; leave it running
      solocron jobs create hello --cron "* * * * *" --command "echo hello"
      solocron jobs trigger hello --follow       run it now, and read what it says
      solocron runs list                         what has run since
      solocron demo                              or: a few lively jobs to look at
    """


if __name__ == "__main__":
    main(prog_name="solocron")
