/** True in builds for tests (`dist-faults/`); false otherwise, so that fault points compile away. */
declare const __HOLDFAST_FAULTS__: boolean;
/** The version in package.json. */
declare const __HOLDFAST_VERSION__: string;
