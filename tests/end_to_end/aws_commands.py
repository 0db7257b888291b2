"""Runs commands of Debian's aws, one for each line of standard input: JSON with `arguments` and `environment`. What
costs most of a short one, loading modules and descriptions, is done once: each runs in a fork. Answers JSON lines."""
import json
import os
import sys
import tempfile

import awscli.clidriver
import awscli.customizations.s3.subcommands  # noqa: F401  so that no fork loads it

driver = awscli.clidriver.create_clidriver()
driver.session.create_client("s3", region_name="us-east-1", aws_access_key_id="a", aws_secret_access_key="b")


def run(arguments, environment, out, err):
    child = os.fork()
    if child == 0:
        status = 255
        try:
            os.dup2(out.fileno(), 1)
            os.dup2(err.fileno(), 2)
            os.environ.update(environment)
            status = driver.main(arguments)
            sys.stdout.flush()
            sys.stderr.flush()
        finally:
            os._exit(status)
    return os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])


for line in sys.stdin:
    command = json.loads(line)
    with tempfile.TemporaryFile() as output, tempfile.TemporaryFile() as errors:
        code = run(command["arguments"], command["environment"], output, errors)
        output.seek(0)
        errors.seek(0)
        print(json.dumps({"code": code, "stdout": output.read().decode(), "stderr": errors.read().decode()}), flush=True)
