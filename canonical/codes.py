"""ISO 20022 codes the house speaks: statuses, reason codes, directions, severities."""

from __future__ import annotations

from enum import StrEnum
from typing import Final


class Severity(StrEnum):
    """What a finding does to the payment it stands on."""

    FATAL = "fatal"  # the file could not be read to its end: everything in it is rejected
    ERROR = "error"  # the file, batch or payment it names is rejected
    WARNING = "warning"  # told, not rejected


class Level(StrEnum):
    """What a finding or a status stands on."""

    FILE = "file"
    BATCH = "batch"
    PAYMENT = "payment"


class CreditDebit(StrEnum):
    """ISO `CdtDbtInd`. A payment is CRDT when it credits the counterparty (credit transfer), DBIT when it collects."""

    CRDT = "CRDT"
    DBIT = "DBIT"


class BreakKind(StrEnum):
    """What a break is; when each arises stands in `reconciliation.breaks`."""

    UNKNOWN_ENTRY = "unknown_entry"
    AMBIGUOUS = "ambiguous"
    DUPLICATE_ENTRY = "duplicate_entry"
    AMOUNT_DIFFERENCE = "amount_difference"
    OVERDUE = "overdue"
    UNMATCHED_PAYMENT = "unmatched_payment"
    CONTRADICTION = "contradiction"
    UNKNOWN_FEEDBACK = "unknown_feedback"
    FEEDBACK_FINDING = "feedback_finding"
    STATEMENT_CHAIN = "statement_chain"
    STATEMENT_MISSING = "statement_missing"
    FEE_ABOVE_PRICE = "fee_above_price"


class BreakState(StrEnum):
    """Where a break stands with the people who look after it."""

    OPEN = "open"  # nobody has it
    ASSIGNED = "assigned"  # its owner looks into it
    EXPLAINED = "explained"  # the cause is known, and still there
    WRITTEN_OFF = "written_off"  # taken as gain or loss
    RESOLVED = "resolved"  # its cause is gone, or a person says that nothing is left to do


class Status(StrEnum):
    """ISO external payment transaction, batch and group statuses (ExternalPaymentTransactionStatus1Code)."""

    RCVD = "RCVD"  # received
    ACTC = "ACTC"  # technical validation accepted
    ACCP = "ACCP"  # customer profile accepted
    ACWC = "ACWC"  # accepted with change
    PDNG = "PDNG"  # pending
    ACSP = "ACSP"  # settlement in process
    ACSC = "ACSC"  # settlement completed (informs; only a BOOK entry settles)
    PART = "PART"  # partially accepted: groups and batches only
    RJCT = "RJCT"  # rejected
    CANC = "CANC"  # cancelled


REASONS: Final[dict[str, str]] = {
    # ISO ExternalStatusReason1Code, those the rules and the providers here use.
    "AC01": "Incorrect account number",
    "AC02": "Invalid debtor account number",
    "AC03": "Invalid creditor account number",
    "AC04": "Closed account number",
    "AC06": "Blocked account",
    "AC13": "Invalid debtor account type",
    "AG01": "Transaction forbidden on this account",
    "AG02": "Invalid bank operation code",
    "AM01": "Amount is zero",
    "AM02": "Amount exceeds the allowed maximum",
    "AM03": "Currency not allowed",
    "AM04": "Insufficient funds",
    "AM05": "Duplication",
    "AM09": "Amount received is not the amount agreed or expected",
    "AM10": "Sum of instructed amounts does not equal the control sum",
    "AM11": "Invalid transaction currency",
    "AM12": "Invalid amount",
    "AM14": "Amount exceeds the agreed limit",
    "AM18": "Number of transactions does not match",
    "AM19": "Number of transactions in the file does not match",
    "AM20": "Number of transactions in the batch does not match",
    "AM21": "Transaction amount limit exceeded",
    "BE04": "Creditor address missing or incorrect",
    "BE09": "Invalid country",
    "BE22": "Creditor name missing",
    "CH03": "Requested execution date too far in the future",
    "CH04": "Requested execution date in the past",
    "CH11": "Creditor identifier incorrect",
    "CH16": "Element content formally incorrect",
    "CH21": "Required element missing",
    "CUST": "Requested by customer",
    "DS0H": "Not allowed on the account",
    "DT01": "Invalid date",
    "DU01": "Message identification is not unique",
    "DU02": "Payment information block is not unique",
    "DU03": "Transaction is not unique",
    "DU04": "End-to-end id is not unique",
    "DUPL": "Duplicate payment",
    "FF01": "Invalid file format",
    "FF02": "Syntax error",
    "FF03": "Invalid payment type",
    "FF05": "Invalid local instrument",
    "FF10": "Bank system processing error",
    "MD01": "No mandate",
    "MD02": "Mandate data missing or incorrect",
    "MD07": "End customer deceased",
    "MS02": "Refused by customer, reason not given",
    "MS03": "Refused by agent, reason not given",
    "NOOR": "No original transaction received",
    "NARR": "Reason given in narrative",
    "RC01": "Bank identifier incorrect",
    "RC03": "Invalid debtor bank identifier",
    "RC04": "Invalid creditor bank identifier",
    "RR02": "Debtor name or address missing",
    "RR03": "Creditor name or address missing",
    "RR07": "Remittance information invalid",
    "RR10": "Invalid character set",
    "TM01": "Received after the cut-off time",
    "TD03": "File is incomplete",
}
