/** The store contract can be kept by a store on another database, of which it knows nothing. */
import { describeStoreContract } from 'express-email-verification/testing';
import { createSqlStore } from '../support/sql-store.js';

describeStoreContract('a store in SQL', (clock) => createSqlStore(clock));
