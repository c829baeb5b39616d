// Stands in a bundle for packages that are required and never used. Which ones those are is bundle.ts's to say.
// It can be called, because parquetjs starts its hash when it is loaded; the answer never comes, and nobody waits for it.
module.exports = () => new Promise(() => {});
