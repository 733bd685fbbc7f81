/** Stops with advice when this is no Node that runs the repository; plain JavaScript so that an old Node can read it. */
const major = Number(process.versions.node.split('.')[0]);
if (major < 24) {
  console.error(
    `Dunlin needs Node 24 or newer, this is ${process.version}.\n` +
      'Run "npm install" in the repository: it puts Node 24 into node_modules/.bin, where every npm script finds it.\n' +
      'Then start through npm ("npm test", "npm start") or with "npx node …".',
  );
  process.exit(1);
}
