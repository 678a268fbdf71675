/** Texts that depend on a number. */
import { en, ko } from 'express-email-verification';

test.each([
  [1, '1 second', '1초'],
  [60, '60 seconds', '60초'],
  [120, '120 seconds', '120초'],
  [121, '3 minutes', '3분'],
  [539, '9 minutes', '9분'],
  [7200, '120 minutes', '120분'],
  [7201, '3 hours', '3시간'],
  [86_400, '24 hours', '24시간'],
])('a wait of %i seconds is given in a readable unit', (seconds, english, korean) => {
  expect(en.answers.too_many_requests(seconds)).toBe(`Too many requests. Please try again in ${english}.`);
  expect(ko.answers.too_many_requests(seconds)).toContain(` ${korean} 후에`);
});
