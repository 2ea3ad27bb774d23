"""A model of the pipeline in virtual time, in which replay policies recover from trouble."""
