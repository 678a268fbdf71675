/**
 * The order of the test files: the longest first, which mostly wait, so that others compute beside them and none is left
 * alone at the end. Jest remembers how long each took; where it does not yet, after a clone, the projects tell.
 *
 * Plain JavaScript, as Jest loads it by itself.
 */
const { default: Sequencer } = require('@jest/test-sequencer');

/** Those that wait the longest first. */
const PROJECTS = ['browser', 'failure', 'package', 'demo', 'attack', 'docs', 'unit'];

const isKnown = ({ duration }) => typeof duration === 'number';
const rank = ({ context }) => PROJECTS.indexOf(context.config.displayName?.name);

module.exports = class LongestFirst extends Sequencer {
  static PROJECTS = PROJECTS;

  sort(tests) {
    const sorted = super.sort(tests);
    const unknown = sorted.filter((test) => !isKnown(test)).sort((one, other) => rank(one) - rank(other));
    return sorted.map((test) => (isKnown(test) ? test : unknown.shift()));
  }
};
