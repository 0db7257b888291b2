"""The checker of histories accepts what the contract allows and rejects each way of breaking it."""
import sys
import unittest

from history_checker import ABSENT, STALENESS_SECONDS, Operation, check


def put(value, at, version=None, node=1, outcome="acknowledged", takes=0.5, condition=None):
    return Operation("put", "a", node, at, at + takes, outcome, value,
                     (version or f"v{at:05.1f}") if outcome == "acknowledged" else None, condition=condition)


def delete(at, version=None, node=1, outcome="acknowledged"):
    return Operation("delete", "a", node, at, at + 0.5, outcome, None,
                     (version or f"v{at:05.1f}") if outcome == "acknowledged" else None)


def resumed(value, at, node=1, outcome="acknowledged"):
    return Operation("put", "a", node, at, at + 0.5, outcome, value, resumable=True)


def get(value, at, node=1, run=0, at_end=False, redirected=False):
    return Operation("get", "a", node, at, at + 0.5, "acknowledged", value, run=run, redirected=redirected,
                     at_end=at_end)


LONG = STALENESS_SECONDS + 2


class Accepted(unittest.TestCase):
    def accepted(self, *history):
        self.assertEqual(check(history), [])

    def test_writes_and_reads_after_each_other(self):
        self.accepted(get(None, 0), put("x", 1), get("x", 2), put("y", 3), get("y", 4), delete(5), get(None, 6))

    def test_another_node_may_be_late(self):
        self.accepted(put("x", 1), put("y", 3), get("x", 4, node=2), get("y", 4 + LONG, node=2))

    def test_a_read_during_a_write_may_show_either(self):
        self.accepted(put("x", 1), put("y", 3), get("x", 3.1), get("y", 3.2))

    def test_a_write_of_unknown_outcome_may_appear_or_not(self):
        self.accepted(put("x", 1), put("y", 3, outcome="unknown"), get("x", 4), get("y", 5), get("y", 30, at_end=True))
        self.accepted(put("x", 1), put("y", 3, outcome="unknown"), get("x", 30, at_end=True))
        self.accepted(put("x", 1), delete(3, outcome="unknown"), get(None, 30, at_end=True))

    def test_of_writes_at_the_same_time_the_higher_version_wins(self):
        self.accepted(put("x", 1, "v2", node=1), put("y", 1, "v1", node=2),
                      *(get("x", 30, node, at_end=True) for node in (1, 2, 3)))

    def test_what_a_node_heard_and_had_not_saved_may_be_gone_when_it_starts_again(self):
        self.accepted(put("x", 1), put("y", 3), get("y", 4, node=2, run=0), get("x", 5, node=2, run=1))

    def test_conditions_that_held(self):
        self.accepted(put("x", 1, condition=ABSENT), put("y", 2, condition="x"), delete(3), put("z", 4, condition=ABSENT))

    def test_a_condition_may_be_held_against_what_another_node_has_not_heard_of(self):
        self.accepted(put("x", 1), put("y", 3), put("z", 4, node=2, condition="x"), put("w", 4, "v003.5", 3, condition=ABSENT))

    def test_a_resumable_upload_among_other_writes(self):
        self.accepted(put("x", 1), resumed("y", 2), get("y", 3), delete(4), get(None, 5), resumed("z", 6), get("z", 7))
        self.accepted(resumed("x", 1, outcome="unknown"), get(None, 2), get("x", 3))

    def test_where_a_node_redirects_to_may_know_more_than_it(self):
        self.accepted(put("x", 1), put("y", 3), get("y", 4, node=2, redirected=True), get("x", 5, node=2))


class Rejected(unittest.TestCase):
    def rejected(self, sentence, *history):
        found = check(history)
        self.assertTrue(any(sentence in line for line in found), found)

    def test_a_value_that_nobody_wrote(self):
        self.rejected("which nobody wrote", put("x", 1), get("z", 2))

    def test_a_refused_value(self):
        self.rejected("which was refused", put("x", 1, outcome="refused"), get("x", 2))

    def test_a_value_before_it_was_written(self):
        self.rejected("before it was written", put("x", 5), get("x", 1))

    def test_the_old_value_where_the_new_one_was_acknowledged(self):
        self.rejected("showed x at 4.000 after put of y at node 1", put("x", 1), put("y", 3), get("x", 4))

    def test_a_removed_file_where_the_removal_was_acknowledged(self):
        self.rejected("after delete at node 1", put("x", 1), delete(3), get("x", 4))

    def test_a_redirect_to_the_old_value_where_the_new_one_was_acknowledged(self):
        self.rejected("after put of y at node 1", put("x", 1), put("y", 3), get("x", 4, redirected=True))

    def test_no_file_at_the_acknowledging_node(self):
        self.rejected("showed no file", put("x", 1), get(None, 2))

    def test_no_file_at_another_node(self):
        self.rejected("node 2 showed no file", put("x", 1), get(None, 2, node=2))

    def test_no_file_because_of_an_older_removal(self):
        self.rejected("showed no file", delete(1, "v1"), put("x", 2, "v2"), get(None, 3, node=2))

    def test_no_file_because_of_a_refused_removal(self):
        self.rejected("showed no file", put("x", 1), delete(2, outcome="refused"), get(None, 3))

    def test_an_old_value_long_after(self):
        self.rejected("more than", put("x", 1), put("y", 3), get("x", 4 + LONG, node=2))

    def test_a_removed_name_that_comes_back(self):
        self.rejected("more than", put("x", 1), delete(3), get(None, 5, node=2), get("x", 4 + LONG, node=2))

    def test_a_node_that_goes_back_while_it_runs(self):
        self.rejected("showed x at 5.000 after node 2 showed y at 4.000",
                      put("x", 1), put("y", 3), get("y", 4, node=2), get("x", 5, node=2))

    def test_two_writes_of_one_version(self):
        self.rejected("the same version", put("x", 1, "v1"), put("y", 2, "v1", node=2))

    def test_a_version_that_falls_at_one_node(self):
        self.rejected("lower version", put("x", 1, "v2"), put("y", 2, "v1"))

    def test_an_acknowledgement_without_a_version(self):
        self.rejected("without a version", Operation("put", "a", 1, 1, 2, "acknowledged", "x"))

    def test_two_winners(self):
        self.rejected("in the end", put("x", 1, "v1"), put("y", 1, "v2", node=2),
                      get("x", 30, 1, at_end=True), get("y", 30, 2, at_end=True))

    def test_the_wrong_winner(self):
        self.rejected("in spite of", put("x", 1, "v1"), put("y", 1, "v2", node=2), get("x", 2, 3, at_end=True))

    def test_a_put_that_was_to_be_the_first_and_is_not(self):
        self.rejected("on the condition absent", put("x", 1), put("y", 2, condition=ABSENT))

    def test_a_put_that_was_to_replace_what_was_replaced_before(self):
        self.rejected("on the condition x", put("x", 1), put("y", 2), put("z", 3, condition="x"))

    def test_a_put_that_was_to_replace_what_was_removed_before(self):
        self.rejected("on the condition x", put("x", 1), delete(2), put("z", 3, condition="x"))

    def test_a_put_whose_condition_failed_and_that_is_seen(self):
        self.rejected("which was refused", put("x", 1), put("y", 2, outcome="refused", condition=ABSENT), get("y", 3))

    def test_a_lost_resumable_upload(self):
        self.rejected("showed no file", resumed("x", 1), get(None, 2))
        self.rejected("in spite of", resumed("x", 1), get(None, 30, 3, at_end=True))

    def test_a_refused_resumable_upload_that_is_seen(self):
        self.rejected("which was refused", resumed("x", 1, outcome="refused"), get("x", 2))

    def test_other_bytes_than_a_resumable_upload_brought(self):
        self.rejected("which nobody wrote", resumed("x", 1), get("half of x", 2))

    def test_a_lost_write(self):
        self.rejected("in spite of", put("x", 1), get(None, 30, 3, at_end=True))


if __name__ == "__main__":
    sys.exit(unittest.main())
