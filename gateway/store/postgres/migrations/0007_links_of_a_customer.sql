-- oldest_reader: 5
-- A customer's links stand side by side, and need no index of customers.
ALTER TABLE links DROP CONSTRAINT links_pkey, ADD PRIMARY KEY (customer_id, channel);
DROP INDEX links_customer;
