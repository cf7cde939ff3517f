"""Goal: when the server committed and its answer was lost, nobody stores the batch a second time.

Method: a proxy closes the connection once the server has answered the COMMIT of a transaction that carried a COPY, and
keeps the answer to itself. The controls undo the fence of one batch, and send rows through the same proxy as everybody
does who has none, again when no answer comes: both must store some twice.
"""
import os
import subprocess
import unittest

from pg_support import LossyProxy, PostgresqlCase
from stores import PSQL_ENVIRONMENT, psql

TIMES = int(os.environ.get("AUDITTRAIL_CRASHES", "20"))
BATCHES = 10


# The batch that is stored while this table has a row commits with its fence undone: the store without a fence.
UNDO_FENCE = """
CREATE TABLE public.unfenced_batch AS SELECT 1 AS one;
CREATE FUNCTION public.undo_fence() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
  DELETE FROM public.unfenced_batch;
  IF FOUND THEN UPDATE audit_writers SET last_seq = NEW.first_seq - 1 WHERE id = NEW.writer; END IF;
  RETURN NULL;
END $$;
CREATE TRIGGER undo_fence AFTER INSERT ON audit_batches FOR EACH ROW EXECUTE FUNCTION public.undo_fence()
"""


class CommitLost(PostgresqlCase):
    def proxy(self):
        made = LossyProxy(self.server.port)
        self.addCleanup(made.close)
        return made

    def test_the_answer_to_commit_is_lost(self):
        proxy = self.proxy()
        self.use_port(proxy.port)
        self.create_store()
        recorder = self.record_throughout()
        for number in range(1, TIMES + 1):
            proxy.losses_wanted = 1
            self.wait_for(lambda: proxy.losses == number and proxy.losses_wanted == 0, f"answer {number} is lost")
            stored = sum(self.stored().values())
            self.wait_for(lambda: sum(self.stored().values()) > stored, f"events are stored after loss {number}")
        self.assert_each_once(recorder)
        print(f"{proxy.losses} answers to a COMMIT behind a COPY were lost; {len(self.tally.accepted)} events, each "
              f"stored once", flush=True)
        self.assertEqual(proxy.losses, TIMES)

    def test_control_a_batch_without_the_fence_is_stored_twice(self):
        """The same program, the same fault, and a trigger that moves the writer back behind the batch."""
        self.create_store()
        self.store.execute(UNDO_FENCE)
        proxy = self.proxy()
        proxy.losses_wanted = 1
        self.use_port(proxy.port)
        self.run_recorder("--events", 100, "--close")
        twice = [key for key, count in self.stored().items() if count == 2]
        print(f"control: without the fence {len(twice)} events are there twice", flush=True)
        self.assertEqual(proxy.losses, 1)
        self.assertGreater(len(twice), 0)
        with self.assertRaises(AssertionError):
            self.assert_stored_exactly_once()

    def test_control_who_has_no_fence_at_all_stores_twice(self):
        proxy = self.proxy()
        self.store.execute("CREATE TABLE public.unfenced (batch integer)")
        url = f"postgresql://postgres@127.0.0.1:{proxy.port}/{self.store.name}"
        proxy.losses_wanted = BATCHES
        attempts = 0
        for batch in range(BATCHES):
            script = f"BEGIN;\nCOPY public.unfenced FROM STDIN;\n{batch}\n\\.\nCOMMIT;\n"
            done = None
            while done is None or done.returncode != 0:
                attempts += 1
                self.assertLess(attempts, 10 * BATCHES)
                done = subprocess.run(psql(url), input=script, capture_output=True, text=True, check=False,
                                      env=PSQL_ENVIRONMENT)
        rows = self.store.rows("SELECT count(*) AS n FROM public.unfenced")[0]["n"]
        print(f"control: {BATCHES} rows were sent in {attempts} attempts, and {rows} are there", flush=True)
        self.assertEqual(proxy.losses, BATCHES)
        self.assertGreater(rows, BATCHES)


if __name__ == "__main__":
    unittest.main()
