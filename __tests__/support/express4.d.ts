/** Express 4 under its alias, with the types of 5: what we call is the same in both. */
declare module 'express4' {
  import express from 'express';
  export default express;
}
