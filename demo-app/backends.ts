/** What the demo runs on, as logged at startup and shown in the footer of each page. */
export type Backend =
  | { readonly kind: 'redis'; readonly host: string }
  | { readonly kind: 'local_redis'; readonly version: string }
  | { readonly kind: 'memory_store' }
  | { readonly kind: 'smtp'; readonly name: string }
  | { readonly kind: 'inbox' }
  | { readonly kind: 'memory_accounts' }
  | { readonly kind: 'file_accounts'; readonly file: string };
