-- Statements of office/storage/reminders.py: fees of whose default nobody was told yet.

-- name: fees_past_due
-- Open fees due by a day, by id. A consultation pauses the notice by every reading of R-26 (T28-1).
-- $1 due on or before  $2 after this invoice  $3 most
SELECT i.id, i.contract_id, i.number, i.due_on, i.open_yen FROM gate.open_invoices o
JOIN gate.invoices i ON i.id = o.id WHERE i.kind = 'fee' AND o.due_on <= $1 AND o.id > $2
  AND NOT EXISTS (SELECT FROM office.reminders m WHERE m.invoice_id = i.id AND m.kind = 'payment_overdue')
  AND NOT EXISTS (
      SELECT FROM office.consultations h WHERE h.contract_id = i.contract_id AND h.ended_at IS NULL)
ORDER BY o.id LIMIT $3;
