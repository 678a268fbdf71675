/** What an app's own tests need, and the tests that every store passes. Nothing here works in production. */
export { createTestClock, type TestClock } from './clock.js';
export { type ConsoleDeliveryOptions, createConsoleDelivery, withoutLimits } from './development.js';
export { createTestInbox, type TestInbox, type TestInboxOptions, type TestMessage } from './inbox.js';
export {
  describeStoreContract,
  type StoreContractOptions,
  type StoreFactory,
} from './store-contract/store-contract.js';
