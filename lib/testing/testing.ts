/** What an app's own tests need, and the tests that every store passes. Nothing here works in production. */
export { createTestClock, type TestClock } from './clock.js';
export {
  describeStoreContract,
  type StoreContractOptions,
  type StoreFactory,
} from './store-contract/store-contract.js';
