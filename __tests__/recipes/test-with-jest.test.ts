/** The recipe is a test file of Jest: here are its tests. */
import '../../demo-app/recipes/test-with-jest.js';
