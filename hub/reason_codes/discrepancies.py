"""Reason codes of discrepancies: what a run found, and why a repair is not possible."""

from django.utils.translation import gettext_noop as _

from hub.reason_codes.reason import CORRECT_JOB_OPTIONS, Reason

DISCREPANCY_REASONS = {
    # found
    "deleted_here": Reason(
        _("The record was deleted in our application. It is not created again automatically."),
        _("Decide in both systems whether the record is still needed."),
    ),
    "deleted_there": Reason(
        _("The record was deleted in the other system. It is not created again automatically."),
        _("Decide in both systems whether the record is still needed."),
    ),
    "duplicate_key": Reason(
        _("Several records of one side have the same key, so they cannot be matched."),
        _("Change or merge the duplicate records."),
    ),
    "without_key": Reason(
        _("The record has no key by which it could be matched."),
        _("Enter the key in that record, or change what the job matches by."),
    ),
    "not_convertible": Reason(
        _("A value is not of the field's type, so the values cannot be compared."),
        _("Correct the value, or change the type of the field in the job."),
    ),
    "picklist_value_unmapped": Reason(
        _("The job does not say which value of the other system matches this one."),
        _("Add the value to the job's list of values."),
    ),
    "expression_failed": Reason(
        _("The expression of a field could not be evaluated for this record."),
        _("Change the expression in the job."),
    ),
    # not repaired
    "ambiguous": Reason(
        _("Several records of one side have the same key, so it is not known which one to repair."),
        _("Change or merge the duplicate records."),
    ),
    "unmapped": Reason(
        _("The value has no counterpart on the other side, so it cannot be written there."),
        _("Add it to the job's list of values, or to the identities."),
    ),
    "report_only": Reason(_("The job only reports differences of this kind.")),
    "no_newer_side": Reason(
        _("The newer value applies, but which one is newer is not known."),
        _("Choose the value that is right."),
    ),
    "no_repair_action": Reason(
        _("The job names no action that could write this record."),
        _("Choose an action for repairs in the job."),
    ),
    "no_such_side": Reason(_("A repair changes either our record or theirs.")),
    "field_not_compared": Reason(_("The job does not compare this field any more.")),
    "target_is_an_expression": Reason(
        _("The value is computed by an expression, so it cannot be written back."),
        _("Correct the value in that system."),
    ),
    "key_is_an_expression": Reason(
        _("The records are matched by an expression, so a missing record cannot be created."),
        _("Create the record in that system."),
    ),
    "conditions_not_met": Reason(
        _(
            "The record that would be created does not meet a condition by which the job selects "
            "records, so it would be missing again."
        ),
        _("Check the conditions of the job, or create the record in that system."),
    ),
    "value_too_large": Reason(
        _("The value is too large to be written by a repair."),
        _("Correct the value in that system."),
    ),
    "cannot_be_emptied": Reason(
        _("The action cannot empty a field."), _("Empty the field in that system.")
    ),
    "repair_not_possible": Reason(
        _("The action does not accept the repair."), _("Check the options of the job.")
    ),
    "options_invalid": Reason(
        _("The options of the job are not valid any more."), CORRECT_JOB_OPTIONS
    ),
    "changed_since": Reason(
        _("The record was changed after it was compared, so it was not overwritten."),
        _("Wait for the next run, which compares it again."),
    ),
    "awaiting_read": Reason(
        _("The records of both sides are read again before one of them is written.")
    ),
    "exists_already": Reason(
        _(
            "A record with this key exists: it was created after the comparison, or does not meet "
            "the conditions of the job. It was not overwritten."
        ),
        _("Wait for the next run, or check the conditions of the job."),
    ),
    "cannot_be_read_again": Reason(
        _("The record could not be read again, so it was not written."),
        _("Repair it again when the system can be read."),
    ),
    "repair_failed": Reason(
        _("The delivery that repairs it was not delivered."), _("Look at the delivery.")
    ),
    "repair_without_effect": Reason(
        _("The repair was delivered, but the values still differ."),
        _("Check whether another system changes the record back."),
    ),
    "repair_unverified": Reason(
        _("The repair was delivered, but the record could not be read since, so it is not proven."),
        _("Wait until the system can be read, or for the next run, which compares the record."),
    ),
    "repaired": Reason(_("A repair was delivered.")),
    # of runs
    "changes_incomplete": Reason(
        _("What changed during the run could not be read completely. It is tried again.")
    ),
}
